"""The description of the API, over HTTP."""

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
    """Return routes, and one that describes them all."""

    def get_open_api(_shop: Shop, request: falcon.Request) -> Response:
        require_no_parameters(request)
        return answer()

    @cache
    def answer() -> Response:
        return with_etag(openapi_document(whole))

    describing = Route(
        method="GET",
        path="/openapi.json",
        summary="This description",
        handler=get_open_api,
        response_schema="OpenApiDocument",
    )
    whole = (*routes, describing)
    return whole


def openapi_document(routes: Sequence[Route]) -> Node:
    """Return the description of routes, as of this version of the package."""
    return build_document(routes, version("eggypro"))


def openapi_json(routes: Sequence[Route]) -> bytes:
    """Return it as JSON that people read."""
    return orjson.dumps(
        openapi_document(routes), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    )
