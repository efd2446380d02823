import json
import re
from typing import Any

import pytest
from falcon.testing import TestClient

from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import EGG, PRODUCTS, failing_app, send_request

REQUESTS = [
    ("GET", EGG),
    ("HEAD", PRODUCTS),
    ("OPTIONS", EGG),
    ("POST", PRODUCTS),
    ("PUT", EGG),
    ("GET", "/nowhere"),
]


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_every_response_has_security_headers(client: TestClient, method: str, path: str) -> None:
    headers = client.simulate_request(method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert re.fullmatch("[0-9a-f]{16}", headers["x-request-id"])


@pytest.mark.parametrize(("method", "path"), REQUESTS)
@pytest.mark.parametrize("in_production", [True, False])
def test_hsts_is_sent_in_production(
    shop: Shop, method: str, path: str, *, in_production: bool
) -> None:
    client = TestClient(create_app(shop, HttpConfig(in_production=in_production)))
    headers = client.simulate_request(method, path).headers
    expected = "max-age=31536000; includeSubDomains" if in_production else None
    assert headers.get("strict-transport-security") == expected


@pytest.mark.parametrize("request_id", ["a", "A-b_c.9", "x" * 64])
@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_valid_request_id_is_adopted(
    client: TestClient, method: str, path: str, request_id: str
) -> None:
    response = client.simulate_request(method, path, headers={"X-Request-ID": request_id})
    assert response.headers["x-request-id"] == request_id


@pytest.mark.parametrize(
    "request_id", ["", "x" * 65, "a b", "a\n", "a,b", "\xe9", "a\r\nX-Evil: 1"]
)
def test_invalid_request_id_is_replaced(client: TestClient, request_id: str) -> None:
    response = send_request(client.app, HTTP_X_REQUEST_ID=request_id)
    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])


def test_request_ids_are_unique(client: TestClient) -> None:
    ids = {client.simulate_get(EGG).headers["x-request-id"] for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize("host", [None, "", "shop.example,evil.example", "a, a"])
def test_requests_need_exactly_one_host(client: TestClient, host: str | None) -> None:
    for path in (EGG, "/nowhere"):
        response = send_request(client.app, path, HTTP_HOST=host)
        assert response.status == 400
        assert json.loads(response.body)["request_id"] == response.headers["x-request-id"]
    assert send_request(client.app, REQUEST_METHOD="HEAD", HTTP_HOST=host).body == b""


def test_http_1_0_does_not_require_a_host(client: TestClient) -> None:
    old: dict[str, Any] = {"HTTP_HOST": None, "SERVER_PROTOCOL": "HTTP/1.0"}
    assert send_request(client.app, **old).status == 200
    assert send_request(client.app, **{**old, "HTTP_HOST": "a,b"}).status == 400


def test_errors_outside_all_handlers_are_problem_json(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = send_request(failing_app)
    assert response.status == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.headers["cache-control"] == "no-store"
    assert json.loads(response.body)["request_id"] == response.headers["x-request-id"]
    assert b"inside" not in response.body
    assert "inside of everything" in caplog.text
