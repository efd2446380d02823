from contextlib import suppress

import pytest

from eggypro_adapters.memory import MemoryErrorTracker
from eggypro_core.errors import (
    EggyProError,
    NotFoundError,
    UnavailableError,
    UpstreamError,
)
from eggypro_core.operations.error_tracking import OutageDetector


@pytest.fixture
def tracker() -> MemoryErrorTracker:
    return MemoryErrorTracker()


@pytest.fixture
def outage(tracker: MemoryErrorTracker) -> OutageDetector:
    return OutageDetector("the hen", [tracker, tracker])


def away() -> UnavailableError:
    return UnavailableError("It does not answer")


def ask(outage: OutageDetector, error: EggyProError | None = None) -> None:
    with suppress(EggyProError), outage:
        if error is not None:
            raise error


def test_the_start_of_an_outage_is_told_once_to_each_tracker(
    outage: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    for error in (away(), away(), UpstreamError("It fails"), away()):
        ask(outage, error)
    assert tracker.outages == ["the hen", "the hen"]


def test_an_outage_ends_with_an_answer_and_the_next_is_told_again(
    outage: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    for error in (away(), None, None, away(), away()):
        ask(outage, error)
    assert tracker.outages == ["the hen"] * 4


@pytest.mark.parametrize(
    "error", [UnavailableError("Busy", retry_after=5), NotFoundError("No such egg")]
)
def test_what_answers_is_not_away(
    outage: OutageDetector, tracker: MemoryErrorTracker, error: EggyProError
) -> None:
    ask(outage, error)
    assert tracker.outages == []


def test_an_error_goes_on_as_it_is(outage: OutageDetector) -> None:
    error = away()
    with pytest.raises(UnavailableError) as raised, outage:
        raise error
    assert raised.value is error


def test_what_is_away_within_another_service_is_an_outage_of_it_alone(
    outage: OutageDetector, tracker: MemoryErrorTracker
) -> None:
    egg = OutageDetector("the egg", [tracker])
    for error in (away(), UnavailableError("Busy", retry_after=5)):
        with suppress(UnavailableError), outage, egg:
            raise error
    assert tracker.outages == ["the egg"]
