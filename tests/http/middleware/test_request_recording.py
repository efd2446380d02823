from typing import Any

import pytest
from attrs import evolve, field, frozen
from falcon.testing import TestClient

from eggypro_core.operations.request_metrics import UNMATCHED_ENDPOINT, RequestRecord, network_of
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import EGG, PRODUCTS, send_request


@frozen
class RequestList:
    requests: list[RequestRecord] = field(factory=list)

    def record(self, request: RequestRecord) -> None:
        self.requests.append(request)


@pytest.fixture
def recorder() -> RequestList:
    return RequestList()


@pytest.fixture
def recorded_client(shop: Shop, recorder: RequestList) -> TestClient:
    return TestClient(create_app(shop, HttpConfig(recorders=(recorder,))))


@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status"),
    [
        ("GET", EGG, "/api/products/{slug}", 200),
        ("HEAD", EGG, "/api/products/{slug}", 200),
        ("GET", f"{PRODUCTS}/nothing", "/api/products/{slug}", 404),
        ("GET", f"{PRODUCTS}?limit=0", PRODUCTS, 422),
        ("DELETE", PRODUCTS, PRODUCTS, 405),
        ("OPTIONS", PRODUCTS, PRODUCTS, 204),
        ("POST", PRODUCTS, PRODUCTS, 401),
        ("GET", f"{EGG}/variants/7", "/api/products/{slug}/variants/{id}", 404),
        ("GET", "/nowhere", UNMATCHED_ENDPOINT, 404),
        ("GET", "//api/products", UNMATCHED_ENDPOINT, 404),
        ("GET", f"{PRODUCTS}/Not-A-Slug", UNMATCHED_ENDPOINT, 404),
    ],
)
def test_requests_are_recorded_by_route_template(
    recorded_client: TestClient,
    recorder: RequestList,
    method: str,
    path: str,
    endpoint: str,
    status: int,
) -> None:
    response = recorded_client.simulate_request(method, path, headers={"X-Request-ID": "mine"})
    assert response.status_code == status
    call = recorder.requests.pop()
    assert (call.endpoint, call.method, call.status) == (endpoint, method, status)
    assert call.request_id == "mine"
    assert call.duration_ms > 0


def test_unknown_methods_are_recorded_as_other(shop: Shop, recorder: RequestList) -> None:
    send_request(
        create_app(shop, HttpConfig(recorders=(recorder,))), PRODUCTS, REQUEST_METHOD="BREW"
    )
    assert recorder.requests[-1].method == "OTHER"
    assert recorder.requests[-1].status == 405


def test_unexpected_errors_are_recorded(shop: Shop, recorder: RequestList) -> None:
    no_service: Any = None
    client = TestClient(
        create_app(evolve(shop, products=no_service), HttpConfig(recorders=(recorder,)))
    )
    assert client.simulate_get(EGG).status_code == 500
    assert recorder.requests[-1].status == 500


def test_only_the_network_of_a_client_is_recorded(
    recorded_client: TestClient, recorder: RequestList
) -> None:
    recorded_client.simulate_get(
        EGG, remote_addr="203.0.113.77", headers={"User-Agent": "x" * 1000}
    )
    assert recorder.requests[-1].network == "203.0.113.0/24"
    assert recorder.requests[-1].user_agent == "x" * 512


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("unknown", "unknown"),
    ],
)
def test_network_of_a_client(client: str, network: str) -> None:
    assert network_of(client) == network
