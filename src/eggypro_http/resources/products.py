"""Products over HTTP: listing, searching, showing, writing, their stock."""

from contextlib import suppress

import falcon
from attrs import evolve

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import LISTS, TREE, product_tag
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import SUGGEST_PARAMETERS, ProductQuery, read_typed
from eggypro_core.errors import NotFoundError
from eggypro_core.serializers import PRODUCTS, page_body, product_body, suggestions_body
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import DELETION, STATUS_ALONE, read_status
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NOTHING, Answer, stock_answer, tagged, version_named
from eggypro_http.routing import Route


def list_products(shop: Shop, request: falcon.Request) -> Answer:
    """Answer a page of products."""
    return _page(shop, ProductQuery.parse(parameters(request)))


def search_products(shop: Shop, request: falcon.Request) -> Answer:
    """Answer a page of what a search finds, best first."""
    return _page(shop, ProductQuery.parse_search(parameters(request)))


def suggest_products(shop: Shop, request: falcon.Request) -> Answer:
    """Answer what a search box offers for what was typed so far."""
    return tagged(suggestions_body(shop.products.suggest(read_typed(parameters(request)))))


def show_product(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Answer one product."""
    return _product(shop, shop.products.find(slug, read_status(parameters(request))))


def add_product(shop: Shop, request: falcon.Request) -> Answer:
    """Add a product, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    product = shop.products.add(values)
    answer = _product(shop, product)
    return Answer(answer.body, {**answer.headers, "location": f"{PRODUCTS}/{product.slug}"})


def replace_product(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Replace a product, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    return _product(shop, shop.products.replace(slug, values, version=version_named(request)))


def change_product(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Change the fields of a product that a merge patch names, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    return _product(shop, shop.products.change(slug, values, version=version_named(request)))


def delete_product(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Archive a product, or with `permanent` delete it for good. Repeated, it changes nothing."""
    asked = fields.check(parameters(request), DELETION)
    version = version_named(request)
    if asked.get("permanent"):
        with suppress(NotFoundError):  # it was deleted before
            shop.products.remove(slug, version=version)
    else:
        shop.products.archive(slug, version=version)
    return NOTHING


def change_stock(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Change the stock of a product, and answer what is there then."""
    values = json_object(request)
    require_no_parameters(request)
    return stock_answer(shop.products.change_stock(slug, values))


def _page(shop: Shop, query: ProductQuery) -> Answer:
    listing = shop.products.listing(query)
    answer = tagged(page_body(listing, query, shop.currency, shop.images.address))
    is_miss = query.search is not None and not listing.page.items
    return evolve(answer, lasts=not is_miss)  # each search that finds nothing is counted


def _product(shop: Shop, product: Product) -> Answer:
    body = product_body(product, shop.currency, shop.images.address)
    return tagged(body, version=product.version, modified=product.updated_at)


ONE = f"{PRODUCTS}/{{slug}}"
_BY_STATUS = {"status": Permission.PRODUCTS_READ}
_BY_LIST = {**_BY_STATUS, "explain": Permission.PRODUCTS_READ}
_OF_LISTS = (LISTS, TREE)
_OF_ONE = (product_tag("{slug}"), TREE)

ROUTES = (
    Route(
        method="GET",
        path=PRODUCTS,
        summary="A page of products",
        handler=list_products,
        parameters=ProductQuery.parameters,
        closed_parameters=_BY_LIST,
        answer="ProductPage",
        tags=_OF_LISTS,
    ),
    Route(
        method="POST",
        path=PRODUCTS,
        summary="Add a product",
        handler=add_product,
        permission=Permission.PRODUCTS_WRITE,
        body="ProductDraft",
        answer="Product",
        success=201,
    ),
    Route(
        method="GET",
        path=f"{PRODUCTS}/search",
        summary="Search for products",
        handler=search_products,
        parameters=ProductQuery.search_parameters,
        closed_parameters=_BY_LIST,
        answer="ProductPage",
        tags=_OF_LISTS,
    ),
    Route(
        method="GET",
        path=f"{PRODUCTS}/suggest",
        summary="Suggestions for a search box",
        handler=suggest_products,
        parameters=SUGGEST_PARAMETERS,
        answer="Suggestions",
        tags=_OF_LISTS,
    ),
    Route(
        method="GET",
        path=ONE,
        summary="One product",
        handler=show_product,
        parameters=STATUS_ALONE,
        closed_parameters=_BY_STATUS,
        answer="Product",
        tags=_OF_ONE,
    ),
    Route(
        method="PUT",
        path=ONE,
        summary="Replace a product",
        handler=replace_product,
        permission=Permission.PRODUCTS_WRITE,
        body="ProductPut",
        answer="Product",
    ),
    Route(
        method="PATCH",
        path=ONE,
        summary="Change fields of a product (JSON merge patch)",
        handler=change_product,
        permission=Permission.PRODUCTS_WRITE,
        body="ProductPatch",
        answer="Product",
    ),
    Route(
        method="DELETE",
        path=ONE,
        summary="Archive a product, or delete it for good",
        handler=delete_product,
        permission=Permission.PRODUCTS_DELETE,
        parameters=DELETION,
        success=204,
    ),
    Route(
        method="POST",
        path=f"{ONE}/stock",
        summary="Add to the stock of a product, take from it, or set it",
        handler=change_stock,
        permission=Permission.PRODUCTS_WRITE,
        body="StockChange",
        answer="Stock",
    ),
)
