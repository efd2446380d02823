"""Whether this process is up, can be given requests, and has all that it needs."""

import falcon
import orjson

from eggypro_core.operations.health import Status
from eggypro_core.serializers import health_body
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Answer
from eggypro_http.routing import Route

_AWAY = 503
_LATER = {"retry-after": "5"}
_OK = Answer(orjson.dumps({"status": "ok"}))
_NOT_READY = Answer(orjson.dumps({"status": "unavailable"}), _LATER, status=_AWAY)


def show_liveness(_shop: Shop, request: falcon.Request) -> Answer:
    """Say that requests are answered."""
    require_no_parameters(request)
    return _OK


def show_readiness(shop: Shop, request: falcon.Request, *, config: HttpConfig) -> Answer:
    """Say that requests can be sent here: the database answers, and no end is near."""
    require_no_parameters(request)
    return _OK if not config.is_ending() and shop.health.has_database() else _NOT_READY


def show_health(shop: Shop, request: falcon.Request) -> Answer:
    """Tell how each service is that the shop needs."""
    require_no_parameters(request)
    report = shop.health.report()
    body = orjson.dumps(health_body(report))
    return Answer(body) if report.status is Status.HEALTHY else Answer(body, _LATER, status=_AWAY)


ROUTES = (
    Route(
        method="GET",
        path="/api/health",
        summary="How the shop and each of its services is",
        handler=show_health,
        answer="Health",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/health/live",
        summary="Whether this process is up",
        handler=show_liveness,
        answer="Liveness",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/health/ready",
        summary="Whether requests can be sent here",
        handler=show_readiness,
        takes_config=True,
        answer="Liveness",
        cache_control=NO_STORE,
    ),
)
