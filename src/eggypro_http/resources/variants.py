"""Variant resource: list, get, create, replace, update, delete, and stock."""

import falcon

from eggypro_core.access.authentication import Permission
from eggypro_core.caching.entries import product_tag
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.serializers import PRODUCTS_PATH, variant_body, variant_page_body
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import STATUS_PARAMETERS, parse_status
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


def list_variants(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Return a page of a product's variants."""
    query = VariantQuery.parse_for_product(slug, parameters(request))
    return with_etag(variant_page_body(shop.variants.list(query), query))


def create_variant(shop: Shop, request: falcon.Request, slug: str) -> Response:
    """Create a variant and return it."""
    values = json_object(request)
    require_no_parameters(request)
    variant = shop.variants.create(slug, values)
    response = _variant_response(variant)
    location = f"{PRODUCTS_PATH}/{slug}/variants/{variant.id}"
    return Response(response.body, {**response.headers, "location": location})


def get_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Response:
    """Return a variant."""
    return _variant_response(shop.variants.get(slug, variant, parse_status(parameters(request))))


def replace_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Response:
    """Replace a variant and return it."""
    values = json_object(request)
    require_no_parameters(request)
    version = if_match_versions(request)
    return _variant_response(shop.variants.replace(slug, variant, values, version=version))


def update_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Response:
    """Apply a JSON merge patch to a variant and return it."""
    values = json_object(request)
    require_no_parameters(request)
    version = if_match_versions(request)
    return _variant_response(shop.variants.update(slug, variant, values, version=version))


def delete_variant(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Response:
    """Delete a variant permanently. Idempotent."""
    require_no_parameters(request)
    shop.variants.delete(slug, variant, version=if_match_versions(request))
    return NO_CONTENT


def update_variant_stock(shop: Shop, request: falcon.Request, slug: str, variant: int) -> Response:
    """Change the stock of a variant and return the new quantity."""
    values = json_object(request)
    require_no_parameters(request)
    return stock_response(shop.variants.update_stock(slug, variant, values))


def _variant_response(variant: Variant) -> Response:
    return with_etag(variant_body(variant), version=variant.version)


VARIANTS_PATH = f"{PRODUCTS_PATH}/{{slug}}/variants"
VARIANT_PATH = f"{VARIANTS_PATH}/{{variant}}"
_RESTRICTED_STATUS = {"status": Permission.PRODUCTS_READ}

ROUTES = (
    Route(
        method="GET",
        path=VARIANTS_PATH,
        summary="List a product's variants",
        handler=list_variants,
        parameters=VariantQuery.parameters,
        restricted_parameters=_RESTRICTED_STATUS,
        response_schema="VariantPage",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="POST",
        path=VARIANTS_PATH,
        summary="Create a variant of a product",
        handler=create_variant,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="VariantDraft",
        response_schema="Variant",
        success_status=201,
    ),
    Route(
        method="GET",
        path=VARIANT_PATH,
        summary="Get a variant of a product",
        handler=get_variant,
        parameters=STATUS_PARAMETERS,
        restricted_parameters=_RESTRICTED_STATUS,
        response_schema="Variant",
        tags=(product_tag("{slug}"),),
    ),
    Route(
        method="PUT",
        path=VARIANT_PATH,
        summary="Replace a variant",
        handler=replace_variant,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="VariantPut",
        response_schema="Variant",
    ),
    Route(
        method="PATCH",
        path=VARIANT_PATH,
        summary="Update fields of a variant (JSON merge patch)",
        handler=update_variant,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="VariantPatch",
        response_schema="Variant",
    ),
    Route(
        method="DELETE",
        path=VARIANT_PATH,
        summary="Delete a variant permanently",
        handler=delete_variant,
        permission=Permission.PRODUCTS_WRITE,
        success_status=204,
    ),
    Route(
        method="POST",
        path=f"{VARIANT_PATH}/stock",
        summary="Adjust or set a variant's stock",
        handler=update_variant_stock,
        permission=Permission.PRODUCTS_WRITE,
        request_schema="StockChange",
        response_schema="StockQuantity",
    ),
)
