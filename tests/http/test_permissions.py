"""The permissions of all routes, written by hand: a removed permission fails here."""

from collections.abc import Mapping

from eggypro_core.access.authentication import AccessRequirement, Credential, Permission
from eggypro_http.app import ROUTES

READ, WRITE = Permission.PRODUCTS_READ, Permission.PRODUCTS_WRITE
DELETE, MODERATE = Permission.PRODUCTS_DELETE, Permission.REVIEWS_MODERATE
METRICS = Permission.METRICS_READ
PUBLIC = None
REQUIRED: Mapping[tuple[str, str], AccessRequirement | None] = {
    ("GET", "/api/products"): PUBLIC,
    ("POST", "/api/products"): WRITE,
    ("GET", "/api/products/search"): PUBLIC,
    ("GET", "/api/products/suggest"): PUBLIC,
    ("GET", "/api/products/{slug}"): PUBLIC,
    ("PUT", "/api/products/{slug}"): WRITE,
    ("PATCH", "/api/products/{slug}"): WRITE,
    ("DELETE", "/api/products/{slug}"): DELETE,
    ("POST", "/api/products/{slug}/stock"): WRITE,
    ("GET", "/api/products/{slug}/variants"): PUBLIC,
    ("POST", "/api/products/{slug}/variants"): WRITE,
    ("GET", "/api/products/{slug}/variants/{variant}"): PUBLIC,
    ("PUT", "/api/products/{slug}/variants/{variant}"): WRITE,
    ("PATCH", "/api/products/{slug}/variants/{variant}"): WRITE,
    ("DELETE", "/api/products/{slug}/variants/{variant}"): WRITE,
    ("POST", "/api/products/{slug}/variants/{variant}/stock"): WRITE,
    ("GET", "/api/products/{slug}/reviews"): PUBLIC,
    ("POST", "/api/products/{slug}/reviews"): PUBLIC,
    ("GET", "/api/reviews"): MODERATE,
    ("PATCH", "/api/reviews/{review}"): MODERATE,
    ("DELETE", "/api/reviews/{review}"): MODERATE,
    ("GET", "/api/categories"): PUBLIC,
    ("POST", "/api/categories"): WRITE,
    ("GET", "/api/categories/{category}"): PUBLIC,
    ("PUT", "/api/categories/{category}"): WRITE,
    ("DELETE", "/api/categories/{category}"): WRITE,
    ("PUT", "/api/products/{slug}/categories/{category}"): WRITE,
    ("DELETE", "/api/products/{slug}/categories/{category}"): WRITE,
    ("POST", "/api/products/{slug}/images"): WRITE,
    ("PUT", "/api/products/{slug}/images"): WRITE,
    ("DELETE", "/api/products/{slug}/images/{public_id}"): WRITE,
    ("POST", "/api/images/uploads"): WRITE,
    ("POST", "/api/images/uploads/{upload}/complete"): WRITE,
    ("POST", "/api/imports"): WRITE,
    ("GET", "/api/events"): Permission.EVENTS_READ,
    ("GET", "/api/batches"): WRITE,
    ("POST", "/api/bulk-updates"): WRITE,
    ("POST", "/api/stock"): WRITE,
    ("GET", "/api/batches/{batch}"): WRITE,
    ("POST", "/api/batches/{batch}/undo"): WRITE,
    ("POST", "/images/uploads"): PUBLIC,  # its form is signed
    ("GET", "/images/{image}"): PUBLIC,
    ("POST", "/api/auth/admin"): Credential.KEY,
    ("GET", "/api/keys"): Permission.KEYS_WRITE,
    ("POST", "/api/keys"): Permission.KEYS_WRITE,
    ("DELETE", "/api/keys/{key}"): Permission.KEYS_WRITE,
    ("GET", "/api/health"): PUBLIC,
    ("GET", "/api/health/live"): PUBLIC,
    ("GET", "/api/health/ready"): PUBLIC,
    ("GET", "/metrics"): METRICS,
    ("GET", "/api/metrics"): METRICS,
    ("GET", "/api/cron/{job}"): Credential.CRON,
    ("GET", "/openapi.json"): PUBLIC,
    ("GET", "/problems/{code}"): PUBLIC,
}
REQUIRED_BY_PARAMETER: Mapping[tuple[str, str, str], AccessRequirement] = {
    ("GET", "/api/products", "status"): READ,
    ("GET", "/api/products", "explain"): READ,
    ("GET", "/api/products/search", "status"): READ,
    ("GET", "/api/products/search", "explain"): READ,
    ("GET", "/api/products/{slug}", "status"): READ,
    ("GET", "/api/products/{slug}/variants", "status"): READ,
    ("GET", "/api/products/{slug}/variants/{variant}", "status"): READ,
    ("GET", "/api/categories", "status"): READ,
    ("GET", "/api/categories/{category}", "status"): READ,
}


def test_routes_require_their_permission() -> None:
    assert {(route.method, route.path): route.permission for route in ROUTES} == REQUIRED


def test_restricted_parameters_require_their_permission() -> None:
    requirements = {
        (route.method, route.path, name): requirement
        for route in ROUTES
        for name, requirement in route.restricted_parameters.items()
    }
    assert requirements == REQUIRED_BY_PARAMETER


def test_only_metrics_are_open_to_networks() -> None:
    assert [route.path for route in ROUTES if route.open_to_networks is not None] == ["/metrics"]
