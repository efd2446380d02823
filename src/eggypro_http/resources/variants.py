"""The variants of a product over HTTP."""

import falcon

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import product_tag
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.serializers import PRODUCTS, variant_body, variant_page_body
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import STATUS_ALONE, read_status
from eggypro_http.requests.json_body import json_object
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import NOTHING, Answer, stock_answer, tagged, version_named
from eggypro_http.routing import Route


def list_variants(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Answer a page of a product's variants."""
    query = VariantQuery.parse_for_product(slug, parameters(request))
    return tagged(variant_page_body(shop.variants.page(query), query))


def add_variant(shop: Shop, request: falcon.Request, slug: str) -> Answer:
    """Add a variant, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    added = shop.variants.add(slug, values)
    answer = _variant(added)
    location = f"{PRODUCTS}/{slug}/variants/{added.id}"
    return Answer(answer.body, {**answer.headers, "location": location})


def show_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Answer:
    """Answer one variant."""
    return _variant(shop.variants.find(slug, variant, read_status(parameters(request))))


def replace_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Answer:
    """Replace a variant, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    version = version_named(request)
    return _variant(shop.variants.replace(slug, variant, values, version=version))


def change_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Answer:
    """Change the fields of a variant that a merge patch names, and answer it."""
    values = json_object(request)
    require_no_parameters(request)
    version = version_named(request)
    return _variant(shop.variants.change(slug, variant, values, version=version))


def delete_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Answer:
    """Delete a variant for good. Repeated, it changes nothing."""
    require_no_parameters(request)
    shop.variants.remove(slug, variant, version=version_named(request))
    return NOTHING


def change_variant_stock(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Answer:
    """Change the stock of a variant, and answer what is there then."""
    values = json_object(request)
    require_no_parameters(request)
    return stock_answer(shop.variants.change_stock(slug, variant, values))


def _variant(variant: Variant) -> Answer:
    return tagged(variant_body(variant), version=variant.version)


MANY = f"{PRODUCTS}/{{slug}}/variants"
ONE = f"{MANY}/{{variant}}"
_BY_STATUS = {"status": Permission.PRODUCTS_READ}

ROUTES = (
    Route(
        method="GET",
        path=MANY,
        summary="A page of a product's variants",
        handler=list_variants,
        parameters=VariantQuery.parameters,
        closed_parameters=_BY_STATUS,
        answer="VariantPage",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="POST",
        path=MANY,
        summary="Add a variant to a product",
        handler=add_variant,
        permission=Permission.PRODUCTS_WRITE,
        body="VariantDraft",
        answer="Variant",
        success=201,
    ),
    Route(
        method="GET",
        path=ONE,
        summary="One variant of a product",
        handler=show_variant,
        parameters=STATUS_ALONE,
        closed_parameters=_BY_STATUS,
        answer="Variant",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="PUT",
        path=ONE,
        summary="Replace a variant",
        handler=replace_variant,
        permission=Permission.PRODUCTS_WRITE,
        body="VariantPut",
        answer="Variant",
    ),
    Route(
        method="PATCH",
        path=ONE,
        summary="Change fields of a variant (JSON merge patch)",
        handler=change_variant,
        permission=Permission.PRODUCTS_WRITE,
        body="VariantPatch",
        answer="Variant",
    ),
    Route(
        method="DELETE",
        path=ONE,
        summary="Delete a variant for good",
        handler=delete_variant,
        permission=Permission.PRODUCTS_WRITE,
        success=204,
    ),
    Route(
        method="POST",
        path=f"{ONE}/stock",
        summary="Add to the stock of a variant, take from it, or set it",
        handler=change_variant_stock,
        permission=Permission.PRODUCTS_WRITE,
        body="StockChange",
        answer="Stock",
    ),
)
