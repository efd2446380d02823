"""Health over HTTP: exact bodies and statuses, without private details."""

import re
from collections.abc import Mapping

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations.health import CACHE, DATABASE, IMAGE_STORE, Check
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop

DATABASE_URL = "postgresql://egg:s3cret@db.internal:5432/shop"
NOON = "2026-01-01T12:00:00.000000Z"


def unavailable() -> None:
    raise UnavailableError(DATABASE_URL)


def failing() -> None:
    raise UpstreamError(DATABASE_URL)


def get_health(path: str = "", checks: Mapping[str, Check | None] = DATABASE_ONLY_CHECKS) -> Result:
    shop = make_shop(checks={**DATABASE_ONLY_CHECKS, **checks})
    return TestClient(create_app(shop)).simulate_get(f"/api/health{path}")


def test_healthy_shop() -> None:
    response = get_health()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers
    assert response.json == {
        "status": "healthy",
        "timestamp": NOON,
        "uptime": 0,
        "responseTime": 0,
        "services": {
            "database": {
                "status": "healthy",
                "timestamp": NOON,
                "responseTime": 0,
                "connection": "active",
            },
            "cloudinary": {"status": "disabled", "timestamp": NOON, "responseTime": 0},
            "cache": {"status": "disabled", "timestamp": NOON, "responseTime": 0},
            "environment": {"database": True, "cloudinary": False, "admin": True},
        },
        "version": "1.2.3",
        "environment": "test",
    }


@pytest.mark.parametrize("check", [unavailable, failing])
@pytest.mark.parametrize(
    ("name", "status"), [(DATABASE, "unhealthy"), (IMAGE_STORE, "degraded"), (CACHE, "degraded")]
)
def test_unavailable_services_are_reported_without_reasons(
    name: str, status: str, check: Check
) -> None:
    response = get_health(checks={name: check})
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["retry-after"]) > 0
    assert response.json["status"] == status
    services = response.json["services"]
    assert services[name]["status"] == "unhealthy"
    assert services["database"]["connection"] == ("inactive" if name == DATABASE else "active")
    assert not re.search("s3cret|internal|egg:|postgresql", response.text)


def test_server_is_ready_while_the_database_is_available() -> None:
    assert get_health("/ready").json == {"status": "ok"}
    assert get_health("/ready", {IMAGE_STORE: unavailable, CACHE: unavailable}).status_code == 200
    response = get_health("/ready", {DATABASE: unavailable})
    assert (response.status_code, response.json) == (503, {"status": "unavailable"})
    assert int(response.headers["retry-after"]) > 0
    assert get_health("/live", {DATABASE: unavailable}).status_code == 200


def test_server_is_live_but_not_ready_while_shutting_down() -> None:
    client = TestClient(create_app(make_shop(), HttpConfig(is_shutting_down=lambda: True)))
    statuses = [
        client.simulate_get(f"/api/health{path}").status_code for path in ("/ready", "/live", "")
    ]
    assert statuses == [503, 200, 200]


@pytest.mark.parametrize("path", ["", "/live", "/ready"])
def test_health_rejects_parameters(path: str) -> None:
    client = TestClient(create_app(make_shop()))
    assert client.simulate_get(f"/api/health{path}?deep=1").status_code == 422
