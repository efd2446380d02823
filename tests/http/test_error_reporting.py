from typing import Any

import pytest
from attrs import evolve
from falcon.testing import TestClient

from eggypro_adapters.memory import MemoryErrorTracker
from eggypro_core.access.authentication import TokenRequest
from eggypro_core.operations.error_tracking import ErrorContext
from eggypro_core.operations.request_metrics import UNMATCHED_ENDPOINT
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from eggypro_http.error_reporting import ErrorReporter
from eggypro_http.middleware.guard import GuardMiddleware
from eggypro_http.requests.client_address import ClientResolver
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.wsgi import EGG, PRODUCTS, broken_app, send_request

SECRET = "a-secret-of-the-body"  # noqa: S105  (of no use to anybody)
HEADERS = {
    "User-Agent": "curl/8",
    "X-Request-ID": "mine",
    "Authorization": f"Bearer {ADMIN_KEY}",
    "Cookie": "session=hunter2",
}


@pytest.fixture
def tracker() -> MemoryErrorTracker:
    return MemoryErrorTracker()


@pytest.fixture
def broken_client(shop: Shop, tracker: MemoryErrorTracker) -> TestClient:
    """A client of a shop whose product service is broken."""
    no_service: Any = None
    config = HttpConfig(trackers=(tracker, tracker))
    return TestClient(create_app(evolve(shop, products=no_service), config))


def test_unexpected_errors_are_reported_without_private_data(
    broken_client: TestClient, tracker: MemoryErrorTracker
) -> None:
    response = broken_client.simulate_patch(
        EGG,
        params={"q": SECRET},
        headers={**HEADERS, "Content-Type": "application/json"},
        json=product_values(name=SECRET),
        remote_addr="203.0.113.77",
    )
    assert response.status_code == 422  # for an unknown parameter nothing is reported
    response = broken_client.simulate_delete(EGG, headers=HEADERS, remote_addr="203.0.113.77")
    assert response.status_code == 500
    context = ErrorContext(
        "/api/products/{slug}", "DELETE", "admin", "mine", "curl/8", "203.0.113.0/24"
    )
    assert [reported for _, reported in tracker.errors] == [context, context]
    assert isinstance(tracker.errors[0][0], AttributeError)


def test_reported_user_is_that_of_the_credential(
    broken_client: TestClient, shop: Shop, tracker: MemoryErrorTracker
) -> None:
    grant = shop.authenticator.issue_token(TokenRequest())
    broken_client.simulate_get(
        PRODUCTS, params={"status": "all"}, headers={"Authorization": f"Bearer {grant.token}"}
    )
    broken_client.simulate_get(EGG)
    users = [context.user_id for _, context in tracker.errors if context is not None]
    assert users[::2] == [grant.user.id, None]


def test_errors_outside_all_handlers_are_reported(tracker: MemoryErrorTracker) -> None:
    app = GuardMiddleware(broken_app, ErrorReporter((tracker,), ClientResolver()))
    assert send_request(app, EGG, HTTP_USER_AGENT="x" * 1000).status == 500
    [(error, context)] = tracker.errors
    assert isinstance(error, RuntimeError)
    assert context is not None
    assert (context.endpoint, context.user_agent) == (UNMATCHED_ENDPOINT, "x" * 512)


def test_expected_errors_are_not_reported(shop: Shop, tracker: MemoryErrorTracker) -> None:
    client = TestClient(create_app(shop, HttpConfig(trackers=(tracker,))))
    for path in (f"{PRODUCTS}/nothing", "/nowhere", f"{PRODUCTS}?limit=0"):
        assert 400 <= client.simulate_get(path).status_code < 500
    assert tracker.errors == []


def test_without_trackers_unexpected_errors_are_logged(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    no_service: Any = None
    client = TestClient(create_app(evolve(shop, products=no_service)))
    assert client.simulate_get(EGG, headers={"X-Request-ID": "mine"}).status_code == 500
    [record] = caplog.records
    assert record.getMessage() == "Unexpected error, request mine"
    assert record.exc_info is not None
