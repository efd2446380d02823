"""The description of the API, over HTTP."""

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

import falcon
import orjson

from eggypro_core.shop import Shop
from eggypro_http.openapi.document import Node, document
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Answer, tagged
from eggypro_http.routing import Route


def with_description(routes: Sequence[Route]) -> tuple[Route, ...]:
    """Return routes, and one that describes them all."""

    def describe_api(_shop: Shop, request: falcon.Request) -> Answer:
        require_no_parameters(request)
        return answer()

    @cache
    def answer() -> Answer:
        return tagged(described(whole))

    describing = Route(
        method="GET",
        path="/openapi.json",
        summary="This description",
        handler=describe_api,
        answer="Description",
    )
    whole = (*routes, describing)
    return whole


def described(routes: Sequence[Route]) -> Node:
    """Return the description of routes, as of this version of the package."""
    return document(routes, version("eggypro"))


def written(routes: Sequence[Route]) -> bytes:
    """Return it as JSON that people read."""
    return orjson.dumps(described(routes), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
