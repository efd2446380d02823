"""Whether this process is up."""

import falcon
import orjson

from eggypro_core.app import EggyPro
from eggypro_http.answers import Answer
from eggypro_http.errors import NO_STORE
from eggypro_http.parameters import require_no_parameters
from eggypro_http.routes import Route

_OK = Answer(orjson.dumps({"status": "ok"}))


def live(_shop: EggyPro, request: falcon.Request) -> Answer:
    """Say that requests are answered."""
    require_no_parameters(request)
    return _OK


ROUTES = (
    Route(
        method="GET",
        path="/api/health/live",
        summary="Whether this process is up",
        handler=live,
        answer="Liveness",
        cache_control=NO_STORE,
    ),
)
