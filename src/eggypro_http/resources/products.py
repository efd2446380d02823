"""Product resource: list, search, suggest, get, create, replace, update, delete, and stock."""

from collections.abc import Iterable
from contextlib import suppress

import falcon
from attrs import evolve

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import CATEGORY_TREE_TAG, ListTag, Tags, product_tag
from eggypro_core.domain.product import ListedProduct, Product
from eggypro_core.domain.product_query import (
    SUGGEST_PARAMETERS,
    ProductQuery,
    Suggestion,
    parse_suggest_text,
)
from eggypro_core.errors import NotFoundError
from eggypro_core.serializers import (
    PRODUCTS_PATH,
    ProductSerializer,
    suggestions_body,
)
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import DELETE_PARAMETERS, STATUS_PARAMETERS, parse_status
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import (
    NO_CONTENT,
    Response,
    if_match_versions,
    stock_response,
    with_etag,
)
from eggypro_http.routing import Route


def list_products(shop: Shop, request: falcon.Request) -> Response:
    """Return a page of products."""
    return _page(shop, ProductQuery.parse(parameters(request)))


def search_products(shop: Shop, request: falcon.Request) -> Response:
    """Return a page of search results, best match first."""
    return _page(shop, ProductQuery.parse_search(parameters(request)))


def suggest_products(shop: Shop, request: falcon.Request) -> Response:
    """Return the suggestions of a search box for the typed text."""
    text = parse_suggest_text(parameters(request))
    suggestions = shop.products.suggest(text)
    response = with_etag(suggestions_body(suggestions))
    return evolve(response, tags=_list_tags(ProductQuery(search=text), suggestions))


def get_product(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Return a product."""
    return _product_response(shop, shop.products.get(slug, parse_status(parameters(request))))


def create_product(shop: Shop, request: falcon.Request) -> Response:
    """Create a product and return it."""
    values = json_object(request)
    require_no_parameters(request)
    product = shop.products.create(values)
    response = _product_response(shop, product)
    location = f"{PRODUCTS_PATH}/{product.slug}"
    return Response(response.body, {**response.headers, "location": location})


def replace_product(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Replace a product and return it."""
    values = json_object(request)
    require_no_parameters(request)
    return _product_response(
        shop, shop.products.replace(slug, values, version=if_match_versions(request))
    )


def update_product(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Apply a JSON merge patch to a product and return it."""
    values = json_object(request)
    require_no_parameters(request)
    return _product_response(
        shop, shop.products.update(slug, values, version=if_match_versions(request))
    )


def delete_product(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Archive a product, or delete it if `permanent`. Idempotent."""
    options = fields.check(parameters(request), DELETE_PARAMETERS)
    version = if_match_versions(request)
    if options.get("permanent"):
        with suppress(NotFoundError):  # already deleted
            shop.products.delete(slug, version=version)
    else:
        shop.products.archive(slug, version=version)
    return NO_CONTENT


def update_stock(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Change the stock of a product and return the new quantity."""
    values = json_object(request)
    require_no_parameters(request)
    return stock_response(shop.products.update_stock(slug, values))


def _page(shop: Shop, query: ProductQuery) -> Response:
    listing = shop.products.get_listing(query)
    response = with_etag(ProductSerializer.of(shop).page(listing, query))
    is_zero_result = query.search is not None and not listing.page.items
    return evolve(
        response,
        is_cacheable=not is_zero_result,  # so that every one is counted
        tags=_list_tags(query, listing.page.items),
    )


def _list_tags(query: ProductQuery, shown: Iterable[ListedProduct | Suggestion]) -> Tags:
    """Return the tags of what a list depends on, and of the products that it shows."""
    return (*query.list_tags, *(product_tag(product.slug) for product in shown))


def _product_response(shop: Shop, product: Product) -> Response:
    body = ProductSerializer.of(shop).product(product)
    return with_etag(body, version=product.version, modified=product.updated_at)


PRODUCT_PATH = f"{PRODUCTS_PATH}/{{slug}}"
_RESTRICTED_STATUS = {"status": Permission.PRODUCTS_READ}
_RESTRICTED_LIST = {**_RESTRICTED_STATUS, "explain": Permission.PRODUCTS_READ}
_LIST_TAGS = (ListTag.MEMBERSHIP, CATEGORY_TREE_TAG)
_PRODUCT_TAGS = (product_tag("{slug}"), CATEGORY_TREE_TAG)

ROUTES = (
    Route(
        method="GET",
        path=PRODUCTS_PATH,
        summary="List products",
        handler=list_products,
        parameters=ProductQuery.parameters,
        restricted_parameters=_RESTRICTED_LIST,
        response_schema="ProductPage",
        tags=_LIST_TAGS,
    ),
    Route(
        method="POST",
        path=PRODUCTS_PATH,
        summary="Create a product",
        handler=create_product,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ProductDraft",
        response_schema="Product",
        success_status=201,
    ),
    Route(
        method="GET",
        path=f"{PRODUCTS_PATH}/search",
        summary="Search products",
        handler=search_products,
        parameters=ProductQuery.search_parameters,
        restricted_parameters=_RESTRICTED_LIST,
        response_schema="ProductPage",
        tags=_LIST_TAGS,
    ),
    Route(
        method="GET",
        path=f"{PRODUCTS_PATH}/suggest",
        summary="Suggest products for a search box",
        handler=suggest_products,
        parameters=SUGGEST_PARAMETERS,
        response_schema="Suggestions",
        tags=_LIST_TAGS,
    ),
    Route(
        method="GET",
        path=PRODUCT_PATH,
        summary="Get a product",
        handler=get_product,
        parameters=STATUS_PARAMETERS,
        restricted_parameters=_RESTRICTED_STATUS,
        response_schema="Product",
        tags=_PRODUCT_TAGS,
    ),
    Route(
        method="PUT",
        path=PRODUCT_PATH,
        summary="Replace a product",
        handler=replace_product,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ProductPut",
        response_schema="Product",
    ),
    Route(
        method="PATCH",
        path=PRODUCT_PATH,
        summary="Update fields of a product (JSON merge patch)",
        handler=update_product,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="ProductPatch",
        response_schema="Product",
    ),
    Route(
        method="DELETE",
        path=PRODUCT_PATH,
        summary="Archive a product or delete it permanently",
        handler=delete_product,
        permission=Permission.PRODUCTS_DELETE,
        parameters=DELETE_PARAMETERS,
        success_status=204,
    ),
    Route(
        method="POST",
        path=f"{PRODUCT_PATH}/stock",
        summary="Adjust or set a product's stock",
        handler=update_stock,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="StockChange",
        response_schema="StockQuantity",
    ),
)
