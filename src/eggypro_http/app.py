"""The API over a shop, as a WSGI application."""

from wsgiref.types import WSGIApplication

import falcon

from eggypro_core.app import EggyPro
from eggypro_http import (
    categories,
    errors,
    gallery,
    health,
    images,
    products,
    reviews,
    routes,
    variants,
)
from eggypro_http.edge import Edge

ROUTES = (
    *products.ROUTES,
    *variants.ROUTES,
    *reviews.ROUTES,
    *categories.ROUTES,
    *gallery.ROUTES,
    *images.ROUTES,
    *health.ROUTES,
)
"""The whole API."""


def create_app(eggypro: EggyPro) -> WSGIApplication:
    """Return the API over a shop. It does not close it."""
    app = falcon.App()
    errors.install(app)
    routes.install(app, ROUTES, eggypro)
    return Edge(app)
