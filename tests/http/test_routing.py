from collections import defaultdict
from urllib.parse import unquote_to_bytes

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import ROUTES
from eggypro_http.routing import Route
from tests.support.builders import ADMIN_KEY
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, sample_path, send_request

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY")


def route_id(route: object) -> str:
    return f"{route.method} {route.path}" if isinstance(route, Route) else str(route)


def methods_of_routes() -> dict[str, set[str]]:
    """Return the methods of each path according to the route table."""
    methods_by_path: dict[str, set[str]] = defaultdict(lambda: {"OPTIONS"})
    for route in ROUTES:
        methods_by_path[route.path] |= (
            {route.method, "HEAD"} if route.method == "GET" else {route.method}
        )
    return methods_by_path


@pytest.mark.parametrize(("path", "methods"), methods_of_routes().items())
def test_paths_accept_only_documented_methods(
    full: TestClient, path: str, methods: set[str]
) -> None:
    for method in (*METHODS, "BREW", "get", "PROPFIND", "WEBSOCKET"):
        response = send_request(full.app, sample_path(path), REQUEST_METHOD=method)
        assert (response.status == 405) == (method not in methods), method
        if method == "OPTIONS":
            assert (response.status, response.body) == (204, b"")
        if method not in methods or method == "OPTIONS":
            assert set(response.headers["allow"].split(", ")) == methods


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method == "GET"], ids=route_id
)
def test_head_equals_get_without_the_body(full: TestClient, route: Route) -> None:
    query = "q=egg" if "q" in route.parameters else ""
    get = full.simulate_get(sample_path(route.path), query_string=query, headers=ADMIN)
    head = full.simulate_head(sample_path(route.path), query_string=query, headers=ADMIN)
    assert (head.status_code, head.content) == (200, b"")
    ignored = {"x-request-id": ""}
    assert {**head.headers, **ignored} == {**get.headers, **ignored}


@pytest.mark.parametrize("route", [route for route in ROUTES if route.permission], ids=route_id)
@pytest.mark.parametrize(
    "credential",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {ADMIN_KEY}", ADMIN_KEY, "Bearer \xff"],
)
def test_protected_routes_require_a_credential(
    client: TestClient, route: Route, credential: str | None
) -> None:
    response = send_request(
        client.app,
        sample_path(route.path),
        REQUEST_METHOD=route.method,
        HTTP_AUTHORIZATION=credential,
    )
    assert response.status == 401
    assert response.headers["www-authenticate"] == "Bearer"


def test_auth_scheme_is_case_insensitive(client: TestClient) -> None:
    header = {"Authorization": f"bearer  {ADMIN_KEY}"}
    response = client.simulate_get(EGG, params={"status": "all"}, headers=header)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/products/",
        "/api/products/search/",
        "/api/products/Egg",
        "/api/products/egg%2Fwhite",
        "/api/products/..",
        "/api/products/%2e%2e/products",
        "/api/products/a%00b",
        "/api/products/%ff",
        "/api/products/%ED%A0%80",
        "/api/products/egg%0A",
        "/api/products/" + "a" * 256,
        "/api/products/" + "a" * 60_000,
        "//api/products",
        "/api/products/egg/reviews/1/2",
        "*",
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "DELETE"])
def test_invalid_paths_are_not_found(client: TestClient, path: str, method: str) -> None:
    decoded = unquote_to_bytes(path).decode("latin-1")
    response = send_request(client.app, "/", REQUEST_METHOD=method, PATH_INFO=decoded)
    assert response.status == 404
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0", "nonsense"])
def test_clients_that_reject_json_get_406(client: TestClient, accept: str) -> None:
    for path in (EGG, PRODUCTS, "/api/health/live"):
        response = client.simulate_get(path, headers={"Accept": accept})
        assert response.status_code == 406
        assert response.headers["content-type"] == "application/problem+json"
    response = client.simulate_post(PRODUCTS, headers={**ADMIN, "Accept": accept}, json={})
    assert response.status_code == 406


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/*",
        "text/html, */*;q=0.1",
        "Application/JSON",
        "application/json; charset=utf-8",
        "text/html,application/json;q=0.9",
    ],
)
def test_json_is_served_to_clients_that_accept_it(client: TestClient, accept: str) -> None:
    assert client.simulate_get(EGG, headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "application/xml", "text/html", "", "nonsense"])
def test_errors_are_problem_json_whatever_is_accepted(client: TestClient, accept: str) -> None:
    for path in ("/nowhere", f"{PRODUCTS}/search"):
        response = client.simulate_put(path, headers={"Accept": accept})
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json["status"] == response.status_code


def test_order_of_error_checks(client: TestClient, shop: Shop) -> None:
    """Every part of the request is invalid; each correction reveals the next error."""
    shop.products.create({"name": "Bacon", "price": "1", **other_fields()})
    environ = {"HTTP_AUTHORIZATION": "Bearer wrong", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(client, "/api/nowhere", **environ) == 404
    assert post(client, EGG, **environ) == 405
    assert post(client, **environ) == 401
    environ["HTTP_AUTHORIZATION"] = ADMIN["Authorization"]
    assert post(client, **environ) == 411
    del environ["HTTP_TRANSFER_ENCODING"]
    environ |= {"CONTENT_LENGTH": str(2**30), "CONTENT_TYPE": "text/plain"}
    assert post(client, **environ) == 413
    environ["CONTENT_LENGTH"] = "1"
    assert post(client, **environ) == 415
    environ["CONTENT_TYPE"] = "application/json"
    assert post(client, **environ) == 400


def other_fields() -> dict[str, object]:
    return {"description": "", "details": "", "ingredients": ["pig"]}


def post(client: TestClient, path: str = PRODUCTS, **environ: str) -> int:
    return send_request(
        client.app, path, REQUEST_METHOD="POST", QUERY_STRING="a=1", **environ
    ).status
