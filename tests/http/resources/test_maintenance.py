"""Maintenance by a scheduler that sends GET with CRON_SECRET, sometimes twice or not at all."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from attrs import evolve
from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.contracts.request_log import make_record
from eggypro_adapters.memory import MemoryRequestLog
from eggypro_core.access.authentication import Authenticator, Credential
from eggypro_core.maintenance import MaintenanceJob
from eggypro_core.operations.idempotency import IDEMPOTENCY_RETENTION, StoredResponse
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.resources import maintenance
from tests.support.builders import ADMIN_KEY, CRON_SECRET, make_shop

Run = Callable[[str], Result]


@pytest.fixture
def request_log() -> MemoryRequestLog:
    return MemoryRequestLog()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(request_log: MemoryRequestLog, clock: FakeClock) -> Shop:
    return evolve(make_shop(request_log=request_log, clock=clock), clock=clock)


@pytest.fixture
def run(shop: Shop) -> Run:
    client = TestClient(create_app(shop))

    def run(job: str, secret: str = CRON_SECRET) -> Result:
        headers = {"Authorization": f"Bearer {secret}"}
        return client.simulate_get(f"/api/cron/{job}", headers=headers)

    return run


def job_result(job: str, count: int, *, complete: bool = True) -> dict[str, object]:
    return {"job": job, "removed": count, "kept": 0, "complete": complete}


def test_metrics_are_deleted_after_thirty_days(run: Run, request_log: MemoryRequestLog) -> None:
    month = timedelta(days=30)
    request_log.append(
        [
            make_record(completed_at=NOON - month - timedelta(seconds=1)),
            make_record(completed_at=NOON - month),
        ]
    )
    assert [run("metrics").json for _ in range(2)] == [
        job_result("metrics", 1),
        job_result("metrics", 0),
    ]


def test_expired_idempotency_keys_are_deleted(run: Run, shop: Shop, clock: FakeClock) -> None:
    assert shop.idempotency is not None
    shop.idempotency.run(shop, "a", NOON, lambda _: StoredResponse("", b"", {}))
    assert run("idempotency").json == job_result("idempotency", 0)
    clock.now += IDEMPOTENCY_RETENTION
    assert run("idempotency").json == job_result("idempotency", 1)


def test_jobs_run_with_nothing_to_do(run: Run) -> None:
    for job in MaintenanceJob:
        response = run(job)
        assert (response.status_code, response.json) == (200, job_result(job, 0))
        assert response.headers["cache-control"] == "no-store"
    assert run("all").status_code == 404


def test_jobs_stop_at_the_time_limit(
    run: Run, request_log: MemoryRequestLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "TIME_LIMIT_SECONDS", 0)
    monkeypatch.setattr("eggypro_core.operations.request_metrics.PRUNE_BATCH_SIZE", 2)
    request_log.append([make_record(completed_at=NOON - timedelta(days=99)) for _ in range(3)])
    answers = [run("metrics").json for _ in range(3)]
    assert [(result["removed"], result["complete"]) for result in answers] == [
        (2, False),
        (1, False),
        (0, True),
    ]


def test_cron_secret_opens_only_maintenance(shop: Shop) -> None:
    client = TestClient(create_app(shop))
    headers = {"Authorization": f"Bearer {CRON_SECRET}"}
    for path in ("/api/metrics", "/api/products?status=all", "/api/reviews"):
        assert client.simulate_get(path, headers=headers).status_code == 403, path
    assert client.simulate_post("/api/auth/admin", headers=headers).status_code == 403


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_cron_secret_maintenance_is_closed(secret: str | None) -> None:
    gate = Authenticator(ADMIN_KEY, None, secret)
    client = TestClient(create_app(evolve(make_shop(), authenticator=gate)))
    for header_value in ("None", "", " "):
        headers = {"Authorization": f"Bearer {header_value}"}
        assert client.simulate_get("/api/cron/images", headers=headers).status_code == 401
    assert gate.authorize(ADMIN_KEY, Credential.CRON).credential is Credential.KEY
