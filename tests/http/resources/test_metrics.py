"""Request metrics over HTTP."""

from datetime import timedelta

import pytest
from falcon.testing import TestClient

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRateCounter, MemoryRequestLog
from eggypro_adapters.request_log_buffer import request_log_buffer
from eggypro_core.access.authentication import Permission, TokenRequest
from eggypro_core.access.rate_limiting import STANDARD, RateLimitPolicy
from eggypro_core.operations.request_metrics import SAMPLED_ENDPOINT, UNMATCHED_ENDPOINT
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.builders import make_shop
from tests.support.wsgi import ADMIN, EGG, PRODUCTS, error_fields

METRICS = "/api/metrics"


@pytest.fixture
def request_log() -> MemoryRequestLog:
    return MemoryRequestLog()


@pytest.fixture
def client(request_log: MemoryRequestLog) -> TestClient:
    return TestClient(create_app(make_shop(request_log=request_log)))


def test_requests_are_summarised_by_route(
    client: TestClient, request_log: MemoryRequestLog
) -> None:
    request_log.append(
        [make_record(0.125), make_record(12, status=404), make_record(30, status=503)]
    )
    response = client.simulate_get(METRICS, headers=ADMIN)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json == {
        "items": [
            {
                "endpoint": "/api/products/{slug}",
                "method": "GET",
                "avgResponseTime": 14.04,
                "p50": 12,
                "p95": 30,
                "p99": 30,
                "totalRequests": 3,
                "errorCount": 2,
            }
        ]
    }


@pytest.mark.parametrize(("query", "count"), [("", 7), ("?days=1", 1), ("?days=90", 90)])
def test_summary_covers_a_week_or_the_requested_days(
    client: TestClient, request_log: MemoryRequestLog, query: str, count: int
) -> None:
    request_log.append(
        [make_record(completed_at=NOON - timedelta(days=days, hours=-1)) for days in range(1, 100)]
    )
    [item] = client.simulate_get(METRICS + query, headers=ADMIN).json["items"]
    assert item["totalRequests"] == count


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=0", "days"),
        ("days=91", "days"),
        ("days=-7", "days"),
        ("days=1.5", "days"),
        ("days=", "days"),
        ("days=7&days=7", "days"),
        ("weeks=1", "weeks"),
    ],
)
def test_invalid_days_are_rejected(client: TestClient, query: str, field: str) -> None:
    assert error_fields(client.simulate_get(f"{METRICS}?{query}", headers=ADMIN)) == [field]


def test_metrics_require_metrics_read() -> None:
    shop = make_shop()
    client = TestClient(create_app(shop))
    for permission, status in ((Permission.METRICS_READ, 200), (Permission.PRODUCTS_WRITE, 403)):
        token = shop.authenticator.issue_token(
            TokenRequest(permissions=frozenset({permission}))
        ).token
        header = {"Authorization": f"Bearer {token}"}
        assert client.simulate_get(METRICS, headers=header).status_code == status


def test_summary_says_that_requests_without_a_route_are_sampled(
    client: TestClient, request_log: MemoryRequestLog
) -> None:
    at = NOON - timedelta(hours=1)
    request_log.append([make_record(endpoint=UNMATCHED_ENDPOINT, completed_at=at)])
    assert "sampled" not in client.simulate_get(METRICS, headers=ADMIN).json
    request_log.append([make_record(endpoint=SAMPLED_ENDPOINT, completed_at=at)])
    summary = client.simulate_get(METRICS, headers=ADMIN).json
    assert summary["sampled"] is True
    assert [item["endpoint"] for item in summary["items"]] == [UNMATCHED_ENDPOINT]


def test_every_request_counts_whatever_its_status(request_log: MemoryRequestLog) -> None:
    limits = {STANDARD: RateLimitPolicy(STANDARD, 3, 60)}
    recorder = request_log_buffer(request_log)
    counter = MemoryRateCounter(lambda: 0)
    config = HttpConfig(rate_limits=limits, rate_counter=counter, recorders=(recorder,))
    client = TestClient(create_app(make_shop(request_log=request_log), config))
    requests = [("GET", EGG), ("HEAD", EGG), ("OPTIONS", EGG), ("POST", PRODUCTS), ("GET", EGG)]
    requests += [("GET", "/nowhere"), ("GET", "/api/health/live")]
    for method, path in requests:
        client.simulate_request(method, path)
    recorder.close()
    since = NOON.replace(year=1990)
    summaries = {
        (summary.endpoint, summary.method): summary for summary in request_log.summarise(since)
    }
    template = "/api/products/{slug}"
    assert {key: (summary.requests, summary.errors) for key, summary in summaries.items()} == {
        (template, "GET"): (2, 2),
        (template, "HEAD"): (1, 1),
        (template, "OPTIONS"): (1, 0),
        (PRODUCTS, "POST"): (1, 1),
        ("(unmatched)", "GET"): (1, 1),
        ("/api/health/live", "GET"): (1, 0),
    }
