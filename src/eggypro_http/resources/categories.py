"""Categories over HTTP: listing, showing and writing them, and putting products in them."""

from contextlib import suppress

import falcon

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import LISTS, TREE
from eggypro_core.domain.category import CategoryQuery
from eggypro_core.errors import NotFoundError
from eggypro_core.serializers import CATEGORIES, PRODUCTS, category_body, category_page_body
from eggypro_core.shop import Shop
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import DELETION, STATUS_ALONE, read_status
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NOTHING, Answer, tagged
from eggypro_http.routing import Route


def list_categories(shop: Shop, request: falcon.Request) -> Answer:
    """Answer a page of categories."""
    query = CategoryQuery.parse(parameters(request))
    return tagged(category_page_body(shop.categories.page(query), query))


def show_category(shop: Shop, request: falcon.Request, category: str) -> Answer:
    """Answer one category."""
    return tagged(category_body(shop.categories.find(category, read_status(parameters(request)))))


def add_category(shop: Shop, request: falcon.Request) -> Answer:
    """Add a category, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    category = shop.categories.add(values)
    answer = tagged(category_body(category))
    return Answer(answer.body, {**answer.headers, "location": f"{CATEGORIES}/{category.slug}"})


def replace_category(shop: Shop, request: falcon.Request, category: str) -> Answer:
    """Replace a category, and answer it. Without a parent it becomes a root."""
    values = json_object(request)
    require_no_parameters(request)
    return tagged(category_body(shop.categories.replace(category, values)))


def delete_category(shop: Shop, request: falcon.Request, category: str) -> Answer:
    """Archive a category, or with `permanent` delete it for good. Repeated, it changes nothing."""
    asked = fields.check(parameters(request), DELETION)
    if asked.get("permanent"):
        with suppress(NotFoundError):  # it was deleted before
            shop.categories.remove(category)
    else:
        shop.categories.archive(category)
    return NOTHING


def link_product(shop: Shop, request: falcon.Request, slug: str, category: str) -> Answer:
    """Put a product in a category."""
    require_no_parameters(request)
    shop.categories.link(slug, category)
    return NOTHING


def unlink_product(shop: Shop, request: falcon.Request, slug: str, category: str) -> Answer:
    """Take a product out of a category."""
    require_no_parameters(request)
    shop.categories.unlink(slug, category)
    return NOTHING


ONE = f"{CATEGORIES}/{{category}}"
LINK = f"{PRODUCTS}/{{slug}}/categories/{{category}}"
_BY_STATUS = {"status": Permission.PRODUCTS_READ}

ROUTES = (
    Route(
        method="GET",
        path=CATEGORIES,
        summary="A page of categories",
        handler=list_categories,
        parameters=CategoryQuery.parameters,
        closed_parameters=_BY_STATUS,
        answer="CategoryPage",
        tags=(LISTS, TREE),
    ),
    Route(
        method="POST",
        path=CATEGORIES,
        summary="Add a category",
        handler=add_category,
        permission=Permission.PRODUCTS_WRITE,
        body="CategoryDraft",
        answer="Category",
        success=201,
    ),
    Route(
        method="GET",
        path=ONE,
        summary="One category",
        handler=show_category,
        parameters=STATUS_ALONE,
        closed_parameters=_BY_STATUS,
        answer="Category",
        tags=(LISTS, TREE),
    ),
    Route(
        method="PUT",
        path=ONE,
        summary="Replace a category",
        handler=replace_category,
        permission=Permission.PRODUCTS_WRITE,
        body="CategoryPut",
        answer="Category",
    ),
    Route(
        method="DELETE",
        path=ONE,
        summary="Archive a category, or delete it for good",
        handler=delete_category,
        permission=Permission.PRODUCTS_WRITE,
        parameters=DELETION,
        success=204,
    ),
    Route(
        method="PUT",
        path=LINK,
        summary="Put a product in a category",
        handler=link_product,
        permission=Permission.PRODUCTS_WRITE,
        success=204,
    ),
    Route(
        method="DELETE",
        path=LINK,
        summary="Take a product out of a category",
        handler=unlink_product,
        permission=Permission.PRODUCTS_WRITE,
        success=204,
    ),
)
