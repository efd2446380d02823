"""The figures of the server, as Prometheus reads them."""

import falcon

from eggypro_core.access import Permission
from eggypro_core.app import EggyPro
from eggypro_core.errors import NotFoundError
from eggypro_http.answers import Answer
from eggypro_http.errors import NO_STORE
from eggypro_http.parameters import require_no_parameters
from eggypro_http.routes import Route


def show_figures(shop: EggyPro, request: falcon.Request) -> Answer:
    """Show all figures, in the format that the caller takes."""
    require_no_parameters(request)
    if shop.exposition is None:
        raise NotFoundError("No figures are kept here")
    page, media_type = shop.exposition.show(request.get_header("Accept", default=""))
    return Answer(page, {"content-type": media_type})


ROUTES = (
    Route(
        method="GET",
        path="/metrics",
        summary="The figures of the server, in the text format of Prometheus",
        handler=show_figures,
        permission=Permission.METRICS_READ,
        free_within=lambda shop: shop.metrics_networks,
        answer="Figures",
        media_type="text/plain",
        cache_control=NO_STORE,
    ),
)
