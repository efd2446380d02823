"""What the calls of the API came to, over HTTP."""

import falcon
import orjson

from eggypro_core.access import Permission
from eggypro_core.app import EggyPro
from eggypro_core.metrics import PARAMETERS, read_days
from eggypro_core.representation import summary_body
from eggypro_http.answers import Answer
from eggypro_http.parameters import parameters
from eggypro_http.routes import Route


def summarise_calls(shop: EggyPro, request: falcon.Request) -> Answer:
    """Answer what the calls of the last days came to, by route."""
    summary = shop.monitor.summary(read_days(parameters(request)))
    return Answer(orjson.dumps(summary_body(summary)))


ROUTES = (
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
