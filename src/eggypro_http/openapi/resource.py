"""OpenAPI document over HTTP."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

import falcon
import orjson

from eggypro_core.shop import Shop
from eggypro_http.openapi.document import Node, build_document
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response, with_etag
from eggypro_http.routing import Route


def with_openapi_route(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return `routes` and a route that serves their OpenAPI document."""

    def get_open_api(_shop: Shop, request: falcon.Request) -> Response:
        require_no_parameters(request)
        return document_response()

    @cache
    def document_response() -> Response:
        return with_etag(openapi_document(all_routes))

    openapi_route = Route(
        method="GET",
        path="/openapi.json",
        summary="Get this OpenAPI document",
        handler=get_open_api,
        response_schema="OpenApiDocument",
    )
    all_routes = (*routes, openapi_route)
    return all_routes


def openapi_document(routes: Sequence[Route]) -> Node:
    """Return the OpenAPI document of the routes, with the version of this package."""
    return build_document(routes, version("eggypro"))


def openapi_json(routes: Sequence[Route]) -> bytes:
    """Return the OpenAPI document of the routes as indented JSON."""
    return orjson.dumps(
        openapi_document(routes), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )
