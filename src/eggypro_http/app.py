"""The API over a shop, as a WSGI application."""

from wsgiref.types import WSGIApplication

import falcon

from eggypro_core.shop import Shop
from eggypro_http import errors, routing
from eggypro_http.api_docs import install_viewer
from eggypro_http.config import HttpConfig
from eggypro_http.error_reporting import Reporter
from eggypro_http.middleware.cors import Cors
from eggypro_http.middleware.guard import Edge
from eggypro_http.middleware.request_recording import watched
from eggypro_http.openapi import with_description, written
from eggypro_http.requests.client_address import Clients
from eggypro_http.resources import (
    auth,
    categories,
    health,
    image_files,
    maintenance,
    metrics,
    product_images,
    products,
    reviews,
    variants,
)

ROUTES = with_description(
    (
        *products.ROUTES,
        *variants.ROUTES,
        *reviews.ROUTES,
        *categories.ROUTES,
        *product_images.ROUTES,
        *image_files.ROUTES,
        *auth.ROUTES,
        *health.ROUTES,
        *metrics.ROUTES,
        *maintenance.ROUTES,
    )
)
"""The whole API."""


DEFAULT_CONFIG = HttpConfig()


def create_app(shop: Shop, config: HttpConfig = DEFAULT_CONFIG) -> WSGIApplication:
    """Return the API over a shop. It does not close it."""
    app = falcon.App()
    report = Reporter(config.trackers, Clients(config.trusted_proxies))
    errors.install(app, report)
    routing.install(app, ROUTES, shop, config)
    install_viewer(app)
    edge = Edge(app, report, in_production=config.in_production)
    return watched(Cors(edge, frozenset(config.cors_origins)), config)


def description() -> bytes:
    """Return the whole API as OpenAPI 3.1 describes it, in JSON."""
    return written(ROUTES)
