"""Which pages may call the API: those of the listed origins, and what they are told."""

from collections.abc import Mapping

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from eggypro_http.middleware.cors import CorsMiddleware
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, IMAGE, PRODUCTS, failing_app, send_request

SHOP, ADMINS = "http://localhost:3000", "https://admin.shop.example:8443"
ORIGINS = frozenset({SHOP, ADMINS})
EXPOSED = "ETag, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
TAKEN = "Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, X-Request-ID"
EVERY_KIND = [
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
FOREIGN = [
    *(
        "http://localhost:3001",
        "https://localhost:3000",
        "http://localhost",
        "HTTP://LOCALHOST:3000",
    ),
    *("http://localhost:3000/", "http://localhost:3000.evil.example", "http://evil.example"),
    *("null", "*", "", f"{SHOP}, {SHOP}", f"{SHOP},http://evil.example", f" {SHOP}", "\xe9"),
]


@pytest.fixture
def client(shop: Shop) -> TestClient:
    return TestClient(create_app(shop, HttpConfig(cors_origins=tuple(ORIGINS))))


def grants(headers: Mapping[str, str]) -> dict[str, str]:
    """What a browser is told of the origin."""
    return {name: one for name, one in headers.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [SHOP, ADMINS])
@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND)
def test_every_answer_to_a_page_of_a_listed_origin_may_be_read(
    client: TestClient, method: str, path: str, status: int, origin: str
) -> None:
    reply = send_request(client.app, REQUEST_METHOD=method, PATH_INFO=path, HTTP_ORIGIN=origin)
    assert reply.status == status
    assert reply.headers["vary"] == "Origin"
    assert grants(reply.headers) == {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": EXPOSED,
    }


@pytest.mark.parametrize("origin", [None, *FOREIGN])
@pytest.mark.parametrize(("method", "path", "status"), EVERY_KIND)
def test_to_others_nothing_is_granted_but_caches_are_told(
    client: TestClient, method: str, path: str, status: int, origin: str | None
) -> None:
    reply = send_request(
        client.app,
        REQUEST_METHOD=method,
        PATH_INFO=path,
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="GET",
    )
    assert (reply.status, reply.headers["vary"]) == (status, "Origin")
    assert grants(reply.headers) == {}


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        (EGG, "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        (CATEGORIES, "GET, HEAD, OPTIONS, POST"),
        ("/api/auth/admin", "OPTIONS, POST"),
    ],
)
def test_a_browser_that_asks_beforehand_is_told_what_the_address_takes(
    client: TestClient, path: str, methods: str
) -> None:
    asked = client.simulate_options(
        path,
        headers={
            "Origin": SHOP,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization,x-evil",
        },
    )
    assert (asked.status_code, asked.content) == (204, b"")
    assert (asked.headers["vary"], asked.headers["allow"]) == ("Origin", methods)
    assert grants(asked.headers) == {
        "access-control-allow-origin": SHOP,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": TAKEN,
        "access-control-max-age": "86400",
    }


def test_to_ask_beforehand_is_a_matter_of_options_alone(client: TestClient) -> None:
    asked = client.simulate_get(EGG, headers={"Origin": SHOP, "Access-Control-Request-Method": "A"})
    assert asked.headers["access-control-expose-headers"] == EXPOSED


def test_who_asks_beforehand_for_nothing_learns_so(client: TestClient) -> None:
    headers = {"Origin": SHOP, "Access-Control-Request-Method": "GET"}
    asked = client.simulate_options("/nowhere", headers=headers)
    assert (asked.status_code, asked.headers["vary"]) == (404, "Origin")
    assert asked.headers["access-control-allow-origin"] == SHOP


def test_what_is_known_already_depends_on_the_origin_too(client: TestClient) -> None:
    tag = client.simulate_get(EGG).headers["etag"]
    known = client.simulate_get(EGG, headers={"If-None-Match": tag, "Origin": SHOP})
    assert (known.status_code, known.headers["vary"]) == (304, "Origin")
    assert known.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    ("rendition", "vary"), [("thumbnail", "Accept, Origin"), ("original", "Origin")]
)
def test_what_an_answer_depends_on_besides_is_kept(
    full: TestClient, rendition: str, vary: str
) -> None:
    shown = full.simulate_get(f"/images/{IMAGE}/{rendition}")
    assert (shown.status_code, shown.headers["vary"]) == (200, vary)


def test_where_all_else_fails_a_page_may_read_that() -> None:
    for host, status in (("shop.example", 500), (None, 400)):
        reply = send_request(CorsMiddleware(failing_app, ORIGINS), HTTP_ORIGIN=SHOP, HTTP_HOST=host)
        assert reply.status == status
        assert reply.headers["vary"] == "Origin"
        assert reply.headers["access-control-allow-origin"] == SHOP


def test_nobody_is_let_in_by_a_cookie(full: TestClient) -> None:
    for method, path, _ in EVERY_KIND:
        asked = full.simulate_request(
            "OPTIONS" if method == "BREW" else method,
            path,
            headers={**ADMIN, "Origin": SHOP, "Cookie": "session=1"},
        )
        assert "set-cookie" not in asked.headers
        assert "access-control-allow-credentials" not in asked.headers
