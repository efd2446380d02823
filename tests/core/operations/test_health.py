"""Tests of health reports, hanging checks and cached results."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, active_count
from time import monotonic

import pytest

from eggypro_adapters.contracts.clock import NOON, FakeClock, FakeMonotonicClock
from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations import health
from eggypro_core.operations.health import (
    CACHE,
    DATABASE,
    IMAGE_STORE,
    Check,
    Health,
    HealthCheck,
    HealthStatus,
    ServiceStatus,
)
from tests.support.builders import make_health

WAIT_SECONDS = 60.0


class Service:
    """A check that a test can make fail or hang."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0
        self.completed = 0
        self.can_return = Event()
        self.can_return.set()

    def __call__(self) -> None:
        self.calls += 1
        assert self.can_return.wait(WAIT_SECONDS)
        self.completed += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def database() -> Iterator[Service]:
    service = Service()
    yield service
    service.can_return.set()


@pytest.fixture
def images() -> Iterator[Service]:
    service = Service()
    yield service
    service.can_return.set()


def make_shop_health(
    database: Check,
    images: Check | None = None,
    cache: Check | None = None,
    seconds: Callable[[], float] = monotonic,
) -> Health:
    checks = {DATABASE: database, IMAGE_STORE: images, CACHE: cache}
    return make_health(checks, FakeClock(), seconds)


def statuses(health: Health) -> list[str]:
    return [str(result.status) for result in health.report().services.values()]


def test_disabled_services_leave_the_shop_healthy(database: Service) -> None:
    report = make_shop_health(database).report()
    assert report.status is HealthStatus.HEALTHY
    assert [str(result.status) for result in report.services.values()] == [
        "healthy",
        "disabled",
        "disabled",
    ]
    assert (report.checked_at, report.version, report.environment) == (NOON, "1.2.3", "test")


@pytest.mark.parametrize("error", [UnavailableError("down"), UpstreamError("no"), OSError()])
def test_a_shop_is_unhealthy_without_the_database_and_degraded_without_others(
    database: Service, images: Service, error: Exception
) -> None:
    shop_health = make_shop_health(database, images, images)
    images.error = error
    assert shop_health.report().status is HealthStatus.DEGRADED
    database.error = error
    assert shop_health.report().status is HealthStatus.UNHEALTHY
    assert not shop_health.is_database_healthy()
    database.error = None
    assert shop_health.is_database_healthy()


def test_checks_run_in_parallel() -> None:
    barrier = Barrier(3)

    def check() -> None:
        barrier.wait(WAIT_SECONDS)

    assert statuses(make_shop_health(check, check, check)) == ["healthy"] * 3


def test_a_hanging_check_does_not_delay_the_report(
    database: Service, images: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.01)
    database.can_return.clear()
    images.can_return.clear()
    assert statuses(make_shop_health(database, images, images)) == ["unhealthy"] * 3
    assert database.completed == images.completed == 0


def test_hanging_checks_share_one_timeout(database: Service) -> None:
    seconds = FakeMonotonicClock()
    database.can_return.clear()
    health_check = HealthCheck(DATABASE, database, FakeClock(), seconds)
    run = health_check.start()
    seconds.now = health.CHECK_TIMEOUT_SECONDS  # spent waiting for another check
    assert health_check.result(run).duration_ms == health.CHECK_TIMEOUT_SECONDS * 1000


def test_a_report_takes_less_than_two_seconds() -> None:
    assert health.CHECK_TIMEOUT_SECONDS < 2


def test_a_hanging_check_occupies_one_thread_and_does_not_delay_later_reports(
    database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.1)
    database.can_return.clear()
    shop_health = make_shop_health(database)
    before = active_count()
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda _: statuses(shop_health)[0], range(8)))
    assert results == ["unhealthy"] * 8
    for _ in range(100):
        assert shop_health.report().status is HealthStatus.UNHEALTHY
    assert (database.calls, database.completed) == (1, 0)
    assert active_count() <= before + 1


def test_concurrent_requests_share_one_check(database: Service) -> None:
    health_check = HealthCheck(DATABASE, database, FakeClock(), monotonic)
    database.can_return.clear()
    first, second = health_check.start(), health_check.start()
    database.can_return.set()
    assert health_check.result(first) is health_check.result(second)
    assert database.calls == 1


def test_a_hanging_check_runs_again_after_it_returns(
    database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.05)
    database.can_return.clear()
    shop_health = make_shop_health(database)
    assert shop_health.report().status is HealthStatus.UNHEALTHY
    database.can_return.set()
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", WAIT_SECONDS)
    assert shop_health.report().status is HealthStatus.HEALTHY


def test_results_of_the_image_store_are_cached_for_30_seconds(images: Service) -> None:
    seconds = FakeMonotonicClock()
    shop_health = make_shop_health(lambda: None, images, seconds=seconds)
    assert statuses(shop_health)[1] == "healthy"
    images.error = UnavailableError("down")
    seconds.now = 29.9
    assert (statuses(shop_health)[1], images.calls) == ("healthy", 1)
    seconds.now = 30
    assert (statuses(shop_health)[1], images.calls) == ("unhealthy", 2)
    images.error = None
    seconds.now = 59.9
    assert (statuses(shop_health)[1], images.calls) == ("unhealthy", 2)
    seconds.now = 60
    assert (statuses(shop_health)[1], images.calls) == ("healthy", 3)


def test_a_change_of_status_is_logged_once_with_its_reason(
    database: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, health.__name__)
    shop_health = make_shop_health(database)
    statuses(shop_health)
    assert caplog.messages == []
    database.error = UnavailableError("it sleeps")
    for _ in range(3):
        statuses(shop_health)
    database.error = None
    for _ in range(3):
        statuses(shop_health)
    assert caplog.messages == ["database is unhealthy: it sleeps", "database is healthy again"]


def test_a_report_has_its_duration_and_the_uptime() -> None:
    seconds = FakeMonotonicClock(100)

    def slow() -> None:
        seconds.now += 0.25

    shop_health = make_shop_health(slow, seconds=seconds)
    seconds.now = 107.5
    report = shop_health.report()
    assert (report.uptime_seconds, report.duration_ms) == (7.5, 250)
    result = report.services[DATABASE]
    assert (result.status, result.duration_ms) == (ServiceStatus.HEALTHY, 250)
