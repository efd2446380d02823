"""Health over HTTP: exact words, statuses, and nothing that only the owner should know."""

import re
from collections.abc import Mapping

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations.health import CACHE, DATABASE, IMAGE_STORE, Check
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.builders import DATABASE_ONLY_CHECKS, make_shop

INNER = "postgresql://egg:s3cret@db.internal:5432/shop"
NOON = "2026-01-01T12:00:00.000000Z"


def away() -> None:
    raise UnavailableError(INNER)


def failing() -> None:
    raise UpstreamError(INNER)


def asked(path: str = "", checks: Mapping[str, Check | None] = DATABASE_ONLY_CHECKS) -> Result:
    shop = make_shop(checks={**DATABASE_ONLY_CHECKS, **checks})
    return TestClient(create_app(shop)).simulate_get(f"/api/health{path}")


def test_healthy_shop() -> None:
    found = asked()
    assert found.status_code == 200
    assert found.headers["cache-control"] == "no-store"
    assert "etag" not in found.headers
    assert found.json == {
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


@pytest.mark.parametrize("check", [away, failing])
@pytest.mark.parametrize(
    ("name", "status"), [(DATABASE, "unhealthy"), (IMAGE_STORE, "degraded"), (CACHE, "degraded")]
)
def test_unavailable_services_are_reported_without_reasons(
    name: str, status: str, check: Check
) -> None:
    found = asked(checks={name: check})
    assert found.status_code == 503
    assert found.headers["content-type"] == "application/json"
    assert int(found.headers["retry-after"]) > 0
    assert found.json["status"] == status
    services = found.json["services"]
    assert services[name]["status"] == "unhealthy"
    assert services["database"]["connection"] == ("inactive" if name == DATABASE else "active")
    assert not re.search("s3cret|internal|egg:|postgresql", found.text)


def test_server_is_ready_while_the_database_is_available() -> None:
    assert asked("/ready").json == {"status": "ok"}
    assert asked("/ready", {IMAGE_STORE: away, CACHE: away}).status_code == 200
    refused = asked("/ready", {DATABASE: away})
    assert (refused.status_code, refused.json) == (503, {"status": "unavailable"})
    assert int(refused.headers["retry-after"]) > 0
    assert asked("/live", {DATABASE: away}).status_code == 200


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
