"""The API over a shop, as a WSGI application."""

from wsgiref.types import WSGIApplication

import falcon

from eggypro_core.app import EggyPro
from eggypro_http import (
    auth,
    categories,
    cron,
    errors,
    exposition,
    gallery,
    health,
    images,
    metrics,
    products,
    reviews,
    routes,
    variants,
)
from eggypro_http.clients import Clients
from eggypro_http.cors import Cors
from eggypro_http.edge import Edge
from eggypro_http.openapi import with_description, written
from eggypro_http.tracking import Reporter
from eggypro_http.viewer import install_viewer
from eggypro_http.watching import watched

ROUTES = with_description(
    (
        *products.ROUTES,
        *variants.ROUTES,
        *reviews.ROUTES,
        *categories.ROUTES,
        *gallery.ROUTES,
        *images.ROUTES,
        *auth.ROUTES,
        *health.ROUTES,
        *exposition.ROUTES,
        *metrics.ROUTES,
        *cron.ROUTES,
    )
)
"""The whole API."""


def create_app(eggypro: EggyPro) -> WSGIApplication:
    """Return the API over a shop. It does not close it."""
    app = falcon.App()
    report = Reporter(eggypro.trackers, Clients(eggypro.trusted_proxies))
    errors.install(app, report)
    routes.install(app, ROUTES, eggypro)
    install_viewer(app)
    edge = Edge(app, report, in_production=eggypro.in_production)
    return watched(Cors(edge, frozenset(eggypro.cors_origins)), eggypro)


def description() -> bytes:
    """Return the whole API as OpenAPI 3.1 describes it, in JSON."""
    return written(ROUTES)
