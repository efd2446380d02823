"""Health resource: liveness, readiness, and the health of each dependency."""

import falcon
import orjson

from eggypro_core.operations.health import HealthStatus
from eggypro_core.serializers import health_body
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route

_UNAVAILABLE = 503
_RETRY_LATER = {"retry-after": "5"}
_OK = Response(orjson.dumps({"status": "ok"}))
_NOT_READY = Response(orjson.dumps({"status": "unavailable"}), _RETRY_LATER, status=_UNAVAILABLE)


def get_liveness(_shop: Shop, request: falcon.Request) -> Response:
    """Return 200: the process serves requests."""
    require_no_parameters(request)
    return _OK


def get_readiness(shop: Shop, request: falcon.Request, *, config: HttpConfig) -> Response:
    """Return 200 if the database is available and no shutdown has started, otherwise 503."""
    require_no_parameters(request)
    return (
        _OK if not config.is_shutting_down() and shop.health.is_database_healthy() else _NOT_READY
    )


def get_health(shop: Shop, request: falcon.Request) -> Response:
    """Return the health of the API and its dependencies, with 503 unless healthy."""
    require_no_parameters(request)
    report = shop.health.report()
    body = orjson.dumps(health_body(report))
    return (
        Response(body)
        if report.status is HealthStatus.HEALTHY
        else Response(body, _RETRY_LATER, status=_UNAVAILABLE)
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/health",
        summary="Health of the API and each dependency",
        handler=get_health,
        response_schema="Health",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/health/live",
        summary="Check that the process is running",
        handler=get_liveness,
        response_schema="Readiness",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/health/ready",
        summary="Check that the server is ready for requests",
        handler=get_readiness,
        takes_config=True,
        response_schema="Readiness",
        cache_control=NO_STORE,
    ),
)
