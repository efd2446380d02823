"""What the calls of the API came to, over HTTP."""

import falcon
import orjson

from eggypro_core.access.authentication import Permission
from eggypro_core.errors import NotFoundError
from eggypro_core.operations.request_metrics import PARAMETERS, read_days
from eggypro_core.serializers import summary_body
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.errors import NO_STORE
from eggypro_http.requests.query_string import parameters, require_no_parameters
from eggypro_http.responses import Answer
from eggypro_http.routing import Route


def summarise_calls(shop: Shop, request: falcon.Request) -> Answer:
    """Answer what the calls of the last days came to, by route."""
    summary = shop.request_metrics.summary(read_days(parameters(request)))
    return Answer(orjson.dumps(summary_body(summary)))


def show_figures(_shop: Shop, request: falcon.Request, *, config: HttpConfig) -> Answer:
    """Show all figures, in the format that the caller takes."""
    require_no_parameters(request)
    if config.exporter is None:
        raise NotFoundError("No figures are kept here")
    page, media_type = config.exporter.show(request.get_header("Accept", default=""))
    return Answer(page, {"content-type": media_type})


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        summary="The figures of the server, in the text format of Prometheus",
        handler=show_figures,
        permission=Permission.METRICS_READ,
        free_within=lambda config: config.metrics_networks,
        takes_config=True,
        answer="Figures",
        media_type="text/plain",
        cache_control=NO_STORE,
    ),
    Route(
        method="GET",
        path="/api/metrics",
        summary="What the calls of the last days came to",
        handler=summarise_calls,
        permission=Permission.METRICS_READ,
        parameters=PARAMETERS,
        answer="Metrics",
    ),
)
