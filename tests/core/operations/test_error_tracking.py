import logging
from contextlib import suppress

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryErrorTracker
from eggypro_core.errors import (
    EggyProError,
    NotFoundError,
    StorageFullError,
    UnavailableError,
    UnavailableKind,
    UpstreamError,
)
from eggypro_core.operations.error_tracking import (
    PARTIAL_OUTAGE_SECONDS,
    STORAGE_REPORT_SECONDS,
    OutageDetector,
)


@pytest.fixture
def tracker() -> MemoryErrorTracker:
    return MemoryErrorTracker()


@pytest.fixture
def detector(tracker: MemoryErrorTracker) -> OutageDetector:
    return OutageDetector("the hen", [tracker, tracker])


def unavailable() -> UnavailableError:
    return UnavailableError("No response")


def use(detector: OutageDetector, error: EggyProError | None = None) -> None:
    with suppress(EggyProError), detector:
        if error is not None:
            raise error


def test_the_start_of_an_outage_is_reported_once_to_each_tracker(
    detector: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    for error in (unavailable(), unavailable(), UpstreamError("It fails"), unavailable()):
        use(detector, error)
    assert tracker.outages == ["the hen", "the hen"]


def test_a_success_ends_the_outage_and_the_next_is_reported(
    detector: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    for error in (unavailable(), None, None, unavailable(), unavailable()):
        use(detector, error)
    assert tracker.outages == ["the hen"] * 4


@pytest.mark.parametrize(
    "error", [UnavailableError("Busy", retry_after=5), NotFoundError("No such egg")]
)
def test_busy_and_not_found_are_no_outage(
    detector: OutageDetector, tracker: MemoryErrorTracker, error: EggyProError
) -> None:
    use(detector, error)
    assert tracker.outages == []


def test_a_full_disk_is_reported_once_although_reads_succeed_meanwhile(
    detector: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    for error in (StorageFullError("Full"), None, StorageFullError("Full"), unavailable()):
        use(detector, error)
    assert tracker.outages == ["the hen"] * 4, "the full disk and the outage, to two trackers"


def test_a_disk_that_stays_full_is_reported_again(tracker: MemoryErrorTracker) -> None:
    clock = FakeMonotonicClock()
    detector = OutageDetector("the hen", [tracker], clock)
    use(detector, StorageFullError("Full"))
    for seconds, reports in ((STORAGE_REPORT_SECONDS - 1, 1), (1, 2), (1, 2)):
        clock.now += seconds
        use(detector, StorageFullError("Full"))
        assert tracker.outages == ["the hen"] * reports


def test_errors_pass_through(detector: OutageDetector) -> None:
    error = unavailable()
    with pytest.raises(UnavailableError) as raised, detector:
        raise error
    assert raised.value is error


def test_a_nested_outage_belongs_to_the_innermost_detector(
    detector: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    inner = OutageDetector("the egg", [tracker])
    for error in (unavailable(), UnavailableError("Busy", retry_after=5)):
        with suppress(UnavailableError), detector, inner:
            raise error
    assert tracker.outages == ["the egg"]


def test_the_end_of_an_outage_is_logged_once(
    detector: OutageDetector, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        for error in (None, unavailable(), unavailable(), None, None):
            use(detector, error)
    assert caplog.messages == ["Outage of the hen ended"]


@pytest.mark.parametrize("kind", [UnavailableKind.MISCONFIGURED, UnavailableKind.OUTDATED_SCHEMA])
def test_an_outage_of_some_calls_is_not_ended_by_the_others(
    tracker: MemoryErrorTracker, kind: UnavailableKind, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeMonotonicClock()
    detector = OutageDetector("the hen", [tracker], clock)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            use(detector, UnavailableError("No permission", kind=kind))
            use(detector)
            clock.now += PARTIAL_OUTAGE_SECONDS - 1
            use(detector)
        assert (tracker.outages, caplog.messages) == (["the hen"], [])
        clock.now += 1
        use(detector)
        assert caplog.messages == ["Outage of the hen ended"]
