"""What every ErrorTracker must do."""

from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations.error_tracking import ErrorContext, ErrorTracker

CONTEXT = ErrorContext("/api/products/{slug}", "PATCH", "admin", "mine", "curl/8", "203.0.113.0/24")


T = TypeVar("T", bound=Exception)


class UnprintableError(Exception):
    """An error that cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def raise_and_catch(error: T) -> T:
    """Return an error that has been somewhere."""
    with pytest.raises(type(error)):
        raise error
    return error


class ErrorTrackerContract:
    """Subclasses have a fixture `tracker`, of a tracker whose service may be away."""

    @pytest.mark.parametrize("during", [CONTEXT, None])
    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("egg \x00\x1b"),
            UnprintableError(),
            raise_and_catch(KeyError("egg")),
            ExceptionGroup("eggs", [ValueError(), raise_and_catch(UnprintableError())]),
            SystemExit(1),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_it_can_be_told_of_any_error(
        self, tracker: ErrorTracker, error: BaseException, during: ErrorContext | None
    ) -> None:
        tracker.report_error(error, during)

    def test_it_can_be_told_of_an_outage(self, tracker: ErrorTracker) -> None:
        for error in (UnavailableError("It is away"), UpstreamError("It fails")):
            tracker.report_outage("the hen", error)

    def test_many_can_tell_it_at_once(self, tracker: ErrorTracker) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: tracker.report_error(KeyError(), CONTEXT), range(50)))
