"""Health: what a report says, and that nothing which hangs keeps a caller or piles up."""

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

SOON = 60.0


class Service:
    """A service that a test has away, or hanging."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.answered = 0
        self.answers = Event()
        self.answers.set()

    def __call__(self) -> None:
        self.asked += 1
        assert self.answers.wait(SOON)
        self.answered += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def database() -> Iterator[Service]:
    service = Service()
    yield service
    service.answers.set()


@pytest.fixture
def images() -> Iterator[Service]:
    service = Service()
    yield service
    service.answers.set()


def looked_after(
    database: Check,
    images: Check | None = None,
    cache: Check | None = None,
    seconds: Callable[[], float] = monotonic,
) -> Health:
    checks = {DATABASE: database, IMAGE_STORE: images, CACHE: cache}
    return make_health(checks, FakeClock(), seconds)


def states(health: Health) -> list[str]:
    return [str(one.status) for one in health.report().services.values()]


def test_all_is_well_where_nothing_is_missed(database: Service) -> None:
    report = looked_after(database).report()
    assert report.status is HealthStatus.HEALTHY
    assert [str(one.status) for one in report.services.values()] == [
        "healthy",
        "disabled",
        "disabled",
    ]
    assert (report.checked_at, report.version, report.environment) == (NOON, "1.2.3", "test")


@pytest.mark.parametrize("error", [UnavailableError("away"), UpstreamError("no"), OSError()])
def test_without_the_database_a_shop_is_unhealthy_without_others_degraded(
    database: Service, images: Service, error: Exception
) -> None:
    shop = looked_after(database, images, images)
    images.error = error
    assert shop.report().status is HealthStatus.DEGRADED
    database.error = error
    assert shop.report().status is HealthStatus.UNHEALTHY
    assert not shop.is_database_healthy()
    database.error = None
    assert shop.is_database_healthy()


def test_checks_are_made_side_by_side() -> None:
    together = Barrier(3)

    def check() -> None:
        together.wait(SOON)

    assert states(looked_after(check, check, check)) == ["healthy"] * 3


def test_no_check_keeps_a_caller(
    database: Service, images: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.01)
    database.answers.clear()
    images.answers.clear()
    assert states(looked_after(database, images, images)) == ["unhealthy"] * 3
    assert database.answered == images.answered == 0


def test_checks_that_hang_keep_a_caller_no_longer_together_than_one(database: Service) -> None:
    seconds = FakeMonotonicClock()
    database.answers.clear()
    probe = HealthCheck(DATABASE, database, FakeClock(), seconds)
    run = probe.start()
    seconds.now = health.CHECK_TIMEOUT_SECONDS  # as long as another check was waited for
    assert probe.result(run).duration_ms == health.CHECK_TIMEOUT_SECONDS * 1000


def test_a_report_takes_less_than_two_seconds() -> None:
    assert health.CHECK_TIMEOUT_SECONDS < 2


def test_what_hangs_keeps_one_thread_and_later_callers_not_at_all(
    database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.1)
    database.answers.clear()
    shop = looked_after(database)
    before = active_count()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: states(shop)[0], range(8)))
    assert found == ["unhealthy"] * 8
    for _ in range(100):
        assert shop.report().status is HealthStatus.UNHEALTHY
    assert (database.asked, database.answered) == (1, 0)
    assert active_count() <= before + 1


def test_who_comes_during_a_check_shares_what_it_finds(database: Service) -> None:
    probe = HealthCheck(DATABASE, database, FakeClock(), monotonic)
    database.answers.clear()
    first, second = probe.start(), probe.start()
    database.answers.set()
    assert probe.result(first) is probe.result(second)
    assert database.asked == 1


def test_what_hung_is_asked_anew_when_it_has_answered(
    database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", 0.05)
    database.answers.clear()
    shop = looked_after(database)
    assert shop.report().status is HealthStatus.UNHEALTHY
    database.answers.set()
    monkeypatch.setattr(health, "CHECK_TIMEOUT_SECONDS", SOON)
    assert shop.report().status is HealthStatus.HEALTHY


def test_what_cloudinary_said_is_told_for_half_a_minute_good_or_bad(images: Service) -> None:
    seconds = FakeMonotonicClock()
    shop = looked_after(lambda: None, images, seconds=seconds)
    assert states(shop)[1] == "healthy"
    images.error = UnavailableError("away")
    seconds.now = 29.9
    assert (states(shop)[1], images.asked) == ("healthy", 1)
    seconds.now = 30
    assert (states(shop)[1], images.asked) == ("unhealthy", 2)
    images.error = None
    seconds.now = 59.9
    assert (states(shop)[1], images.asked) == ("unhealthy", 2)
    seconds.now = 60
    assert (states(shop)[1], images.asked) == ("healthy", 3)


def test_a_change_is_logged_once_with_its_reason(
    database: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, health.__name__)
    shop = looked_after(database)
    states(shop)
    assert caplog.messages == []
    database.error = UnavailableError("it sleeps")
    for _ in range(3):
        states(shop)
    database.error = None
    for _ in range(3):
        states(shop)
    assert caplog.messages == ["database is not well: it sleeps", "database is well again"]


def test_a_report_tells_how_long_all_of_it_took_and_since_when_the_shop_is_up() -> None:
    seconds = FakeMonotonicClock(100)

    def slow() -> None:
        seconds.now += 0.25

    shop = looked_after(slow, seconds=seconds)
    seconds.now = 107.5
    report = shop.report()
    assert (report.uptime_seconds, report.duration_ms) == (7.5, 250)
    finding = report.services[DATABASE]
    assert (finding.status, finding.duration_ms) == (ServiceStatus.HEALTHY, 250)
