"""The HTTP API of a shop as a WSGI application."""

from wsgiref.types import WSGIApplication

import falcon

from eggypro_core.shop import Shop
from eggypro_http import errors, routing
from eggypro_http.api_docs import install_api_docs
from eggypro_http.config import HttpConfig
from eggypro_http.error_reporting import ErrorReporter
from eggypro_http.middleware.cors import CorsMiddleware
from eggypro_http.middleware.guard import GuardMiddleware
from eggypro_http.middleware.ready_responses import ReadyResponses
from eggypro_http.middleware.request_recording import record_requests
from eggypro_http.middleware.untrusted_proxy import UntrustedProxyMiddleware
from eggypro_http.openapi import openapi_json, with_openapi_route
from eggypro_http.requests.client_address import ClientResolver
from eggypro_http.resources import (
    api_keys,
    auth,
    bulk_updates,
    categories,
    events,
    health,
    image_files,
    imports,
    maintenance,
    metrics,
    problems,
    product_images,
    products,
    reviews,
    stock,
    variants,
)

ROUTES = with_openapi_route(
    (
        *products.ROUTES,
        *variants.ROUTES,
        *reviews.ROUTES,
        *categories.ROUTES,
        *product_images.ROUTES,
        *image_files.ROUTES,
        *imports.ROUTES,
        *events.ROUTES,
        *bulk_updates.ROUTES,
        *stock.ROUTES,
        *auth.ROUTES,
        *api_keys.ROUTES,
        *health.ROUTES,
        *metrics.ROUTES,
        *maintenance.ROUTES,
        *problems.ROUTES,
    )
)
"""All routes of the API."""


DEFAULT_CONFIG = HttpConfig()


def create_app(shop: Shop, config: HttpConfig = DEFAULT_CONFIG) -> WSGIApplication:
    """Return the WSGI application that serves `shop`. The caller closes the shop."""
    app = falcon.App()
    clients = ClientResolver(config.trusted_proxies)
    report = ErrorReporter(config.trackers, clients)
    errors.install_error_handlers(app, report)
    routing.install_routes(app, ROUTES, shop, config)
    install_api_docs(app)
    guard = GuardMiddleware(app, report, in_production=config.in_production)
    cors: WSGIApplication = CorsMiddleware(guard, frozenset(config.cors_origins))
    ready = cors if config.cache is None else ReadyResponses(cors, config.cache)
    return record_requests(UntrustedProxyMiddleware(ready, clients), config)


def openapi_description() -> bytes:
    """Return the OpenAPI 3.1 document of the API as JSON."""
    return openapi_json(ROUTES)
