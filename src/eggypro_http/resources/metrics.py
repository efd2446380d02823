"""Metrics resource: request metrics per route, and the Prometheus export."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.errors import NotFoundError
from eggypro_core.operations.request_metrics import SUMMARY_PARAMETERS, parse_summary_days
from eggypro_core.serializers import metrics_summary_body
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import Response
from eggypro_http.routing import Route


def get_request_metrics(shop: Shop, request: falcon.Request) -> Response:
    """Return the request metrics of the last days per route."""
    summary = shop.request_metrics.summarise(parse_summary_days(parameters(request)))
    return Response(orjson.dumps(metrics_summary_body(summary)))


def get_prometheus_metrics(_shop: Shop, request: falcon.Request, *, config: HttpConfig) -> Response:
    """Return all metrics in the exposition format that the client accepts."""
    require_no_parameters(request)
    if config.exporter is None:
        raise NotFoundError("Metrics are not enabled on this server")
    page, media_type = config.exporter.export(request.get_header("Accept", default=""))
    return Response(page, {"content-type": media_type})


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        summary="Metrics of the server in the Prometheus text format",
        handler=get_prometheus_metrics,
        permission=Permission.METRICS_READ,
        open_to_networks=lambda config: config.metrics_networks,
        takes_config=True,
        response_schema="PrometheusMetrics",
        media_type="text/plain",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/metrics",
        summary="Request metrics per route for the last N days",
        handler=get_request_metrics,
        permission=Permission.METRICS_READ,
        parameters=SUMMARY_PARAMETERS,
        response_schema="RequestMetrics",
    ),
)
