"""CORS headers for listed and other origins."""

from collections.abc import Mapping

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from eggypro_http.middleware.cors import CorsMiddleware
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, IMAGE, PRODUCTS, failing_app, send_request

SHOP_ORIGIN, ADMIN_ORIGIN = "http://localhost:3000", "https://admin.shop.example:8443"
ORIGINS = frozenset({SHOP_ORIGIN, ADMIN_ORIGIN})
EXPOSED_HEADERS = (
    "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID, Idempotency-Replayed,"
    " X-Batch-ID"
)
ALLOWED_HEADERS = (
    "Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, X-Request-ID"
)
REQUESTS = [
    ("GET", EGG, 200),
    ("HEAD", PRODUCTS, 200),
    ("OPTIONS", EGG, 204),
    ("DELETE", EGG, 401),
    ("POST", f"{EGG}/reviews", 400),
    ("GET", f"{EGG}-2", 404),
    ("GET", "/nowhere", 404),
    ("POST", EGG, 405),
    ("BREW", EGG, 405),
    ("GET", "//api/products", 404),
]
OTHER_ORIGINS = [
    *(
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost",
        "HTTP://LOCALHOST:3000",
    ),
    *("http://localhost:3000/", "http://localhost:3000.evil.example", "http://evil.example"),
    *(
        "null",
        "*",
        "",
        f"{SHOP_ORIGIN}, {SHOP_ORIGIN}",
        f"{SHOP_ORIGIN},http://evil.example",
        f" {SHOP_ORIGIN}",
        "\xe9",
    ),
]


PATTERNS = ("https://*.shop.example", "http://*.localhost:3000")


@pytest.mark.parametrize(
    "origin",
    [
        "https://a.shop.example",
        "https://preview-git-x1.shop.example",
        "https://a.b.shop.example",
        "https://xn--mller-kva.shop.example",
        "http://ada.localhost:3000",
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_pattern_allows_every_subdomain(shop: Shop, origin: str, method: str) -> None:
    client = TestClient(create_app(shop, HttpConfig(cors_origins=PATTERNS)))
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    response = client.simulate_request(method, EGG, headers=headers)
    assert response.headers["access-control-allow-origin"] == origin
    assert "Origin" in response.headers["vary"]
    is_preflight = method == "OPTIONS"
    assert ("PUT" in response.headers.get("access-control-allow-methods", "")) == is_preflight


@pytest.mark.parametrize(
    "origin",
    [
        *("https://shop.example", "https://.shop.example", "https://*.shop.example"),
        *("http://a.shop.example", "https://a.shop.example:8443", "https://ashop.example"),
        *("https://a.shop.example.evil.example", "https://evil.example/.shop.example"),
        *("https://a_-.shop.example", "https://a shop.example", "https://u@a.shop.example"),
        *("https://A.shop.example", "http://ada.localhost"),
    ],
)
def test_pattern_allows_nothing_else(shop: Shop, origin: str) -> None:
    client = TestClient(create_app(shop, HttpConfig(cors_origins=PATTERNS)))
    response = client.simulate_get(EGG, headers={"Origin": origin})
    assert not cors_headers(response.headers)
    assert "Origin" in response.headers["vary"]


@pytest.fixture
def client(shop: Shop) -> TestClient:
    return TestClient(create_app(shop, HttpConfig(cors_origins=tuple(ORIGINS))))


def cors_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the CORS headers."""
    return {name: value for name, value in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SHOP_ORIGIN, ADMIN_ORIGIN])
@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_listed_origins_may_read_every_response(
    client: TestClient, method: str, path: str, status: int, origin: str
) -> None:
    response = send_request(client.app, REQUEST_METHOD=method, PATH_INFO=path, HTTP_ORIGIN=origin)
    assert response.status == status
    assert response.headers["vary"] == "Origin"
    assert cors_headers(response.headers) == {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": EXPOSED_HEADERS,
    }


@pytest.mark.parametrize("origin", [None, *OTHER_ORIGINS])
@pytest.mark.parametrize(("method", "path", "status"), REQUESTS)
def test_other_origins_get_only_vary(
    client: TestClient, method: str, path: str, status: int, origin: str | None
) -> None:
    response = send_request(
        client.app,
        REQUEST_METHOD=method,
        PATH_INFO=path,
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
    )
    assert (response.status, response.headers["vary"]) == (status, "Origin")
    assert cors_headers(response.headers) == {}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (EGG, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (CATEGORIES, "GET, HEAD, OPTIONS, POST"),
        ("/api/auth/admin", "OPTIONS, POST"),
    ],
)
def test_preflight_lists_the_methods_of_the_path(
    client: TestClient, path: str, methods: str
) -> None:
    response = client.simulate_options(
        path,
        headers={
            "Origin": SHOP_ORIGIN,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization,x-evil",
        },
    )
    assert (response.status_code, response.content) == (204, b"")
    assert (response.headers["vary"], response.headers["allow"]) == ("Origin", methods)
    assert cors_headers(response.headers) == {
        "access-control-allow-origin": SHOP_ORIGIN,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": ALLOWED_HEADERS,
        "access-control-max-age": "86400",
    }


def test_only_options_is_a_preflight(client: TestClient) -> None:
    response = client.simulate_get(
        EGG, headers={"Origin": SHOP_ORIGIN, "Access-Control-Request-Method": "A"}
    )
    assert response.headers["access-control-expose-headers"] == EXPOSED_HEADERS


def test_preflight_of_unknown_path_is_not_found(client: TestClient) -> None:
    headers = {"Origin": SHOP_ORIGIN, "Access-Control-Request-Method": "GET"}
    response = client.simulate_options("/nowhere", headers=headers)
    assert (response.status_code, response.headers["vary"]) == (404, "Origin")
    assert response.headers["access-control-allow-origin"] == SHOP_ORIGIN


def test_not_modified_varies_by_origin(client: TestClient) -> None:
    tag = client.simulate_get(EGG).headers["etag"]
    response = client.simulate_get(EGG, headers={"If-None-Match": tag, "Origin": SHOP_ORIGIN})
    assert (response.status_code, response.headers["vary"]) == (304, "Origin")
    assert response.headers["access-control-allow-origin"] == SHOP_ORIGIN


@pytest.mark.parametrize(
    ("rendition", "vary"), [("thumbnail", "Accept, Origin"), ("original", "Origin")]
)
def test_origin_is_added_to_existing_vary(full: TestClient, rendition: str, vary: str) -> None:
    response = full.simulate_get(f"/images/{IMAGE}/{rendition}")
    assert (response.status_code, response.headers["vary"]) == (200, vary)


def test_uncaught_errors_have_cors_headers() -> None:
    for host, status in (("shop.example", 500), (None, 400)):
        response = send_request(
            CorsMiddleware(failing_app, ORIGINS), HTTP_ORIGIN=SHOP_ORIGIN, HTTP_HOST=host
        )
        assert response.status == status
        assert response.headers["vary"] == "Origin"
        assert response.headers["access-control-allow-origin"] == SHOP_ORIGIN


def test_cookies_are_neither_set_nor_accepted_as_credentials(full: TestClient) -> None:
    for method, path, _ in REQUESTS:
        response = full.simulate_request(
            "OPTIONS" if method == "BREW" else method,
            path,
            headers={**ADMIN, "Origin": SHOP_ORIGIN, "Cookie": "session=1"},
        )
        assert "set-cookie" not in response.headers
        assert "access-control-allow-credentials" not in response.headers
