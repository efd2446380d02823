"""Category resource: list, get, create, replace, delete, and link to products."""

from contextlib import suppress

import falcon

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import CATEGORY_TREE_TAG, ListTag
from eggypro_core.domain.category import CategoryQuery
from eggypro_core.errors import NotFoundError
from eggypro_core.serializers import (
    CATEGORIES_PATH,
    PRODUCTS_PATH,
    category_body,
    category_page_body,
)
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import DELETE_PARAMETERS, STATUS_PARAMETERS, parse_status
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NO_CONTENT, Response, with_etag
from eggypro_http.routing import Route


def list_categories(shop: Shop, request: falcon.Request) -> Response:
    """Return a page of categories."""
    query = CategoryQuery.parse(parameters(request))
    return with_etag(category_page_body(shop.categories.list(query), query))


def get_category(shop: Shop, request: falcon.Request, category: str) -> Response:
    """Return a category."""
    return with_etag(
        category_body(shop.categories.get(category, parse_status(parameters(request))))
    )


def create_category(shop: Shop, request: falcon.Request) -> Response:
    """Create a category and return it."""
    values = json_object(request)
    require_no_parameters(request)
    category = shop.categories.create(values)
    response = with_etag(category_body(category))
    return Response(
        response.body, {**response.headers, "location": f"{CATEGORIES_PATH}/{category.slug}"}
    )


def replace_category(shop: Shop, request: falcon.Request, category: str) -> Response:
    """Replace a category and return it. Without a parent it becomes a root category."""
    values = json_object(request)
    require_no_parameters(request)
    return with_etag(category_body(shop.categories.replace(category, values)))


def delete_category(shop: Shop, request: falcon.Request, category: str) -> Response:
    """Archive a category, or delete it if `permanent`. Idempotent."""
    options = fields.check(parameters(request), DELETE_PARAMETERS)
    if options.get("permanent"):
        with suppress(NotFoundError):  # already deleted
            shop.categories.delete(category)
    else:
        shop.categories.archive(category)
    return NO_CONTENT


def link_category(shop: Shop, request: falcon.Request, slug: str, category: str) -> Response:
    """Add a product to a category."""
    require_no_parameters(request)
    shop.categories.link(slug, category)
    return NO_CONTENT


def unlink_category(shop: Shop, request: falcon.Request, slug: str, category: str) -> Response:
    """Remove a product from a category."""
    require_no_parameters(request)
    shop.categories.unlink(slug, category)
    return NO_CONTENT


CATEGORY_PATH = f"{CATEGORIES_PATH}/{{category}}"
LINK_PATH = f"{PRODUCTS_PATH}/{{slug}}/categories/{{category}}"
# They count products.
_TAGS = (ListTag.MEMBERSHIP, ListTag.CATEGORIES, CATEGORY_TREE_TAG)
_RESTRICTED_STATUS = {"status": Permission.PRODUCTS_READ}

ROUTES = (
    Route(
        method="GET",
        path=CATEGORIES_PATH,
        summary="List categories",
        handler=list_categories,
        parameters=CategoryQuery.parameters,
        restricted_parameters=_RESTRICTED_STATUS,
        response_schema="CategoryPage",
        tags=_TAGS,
    ),
    Route(
        method="POST",
        path=CATEGORIES_PATH,
        summary="Create a category",
        handler=create_category,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="CategoryDraft",
        response_schema="Category",
        success_status=201,
    ),
    Route(
        method="GET",
        path=CATEGORY_PATH,
        summary="Get a category",
        handler=get_category,
        parameters=STATUS_PARAMETERS,
        restricted_parameters=_RESTRICTED_STATUS,
        response_schema="Category",
        tags=_TAGS,
    ),
    Route(
        method="PUT",
        path=CATEGORY_PATH,
        summary="Replace a category",
        handler=replace_category,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="CategoryPut",
        response_schema="Category",
    ),
    Route(
        method="DELETE",
        path=CATEGORY_PATH,
        summary="Archive a category or delete it permanently",
        handler=delete_category,
        permission=Permission.PRODUCTS_WRITE,
        parameters=DELETE_PARAMETERS,
        success_status=204,
    ),
    Route(
        method="PUT",
        path=LINK_PATH,
        summary="Add a product to a category",
        handler=link_category,
        permission=Permission.PRODUCTS_WRITE,
        success_status=204,
    ),
    Route(
        method="DELETE",
        path=LINK_PATH,
        summary="Remove a product from a category",
        handler=unlink_category,
        permission=Permission.PRODUCTS_WRITE,
        success_status=204,
    ),
)
