"""Contract suite of `ErrorTracker`."""

from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from eggypro_core.errors import UnavailableError, UpstreamError
from eggypro_core.operations.error_tracking import ErrorContext, ErrorTracker

CONTEXT = ErrorContext("/api/products/{slug}", "PATCH", "admin", "mine", "curl/8", "203.0.113.0/24")


T = TypeVar("T", bound=Exception)


class UnprintableError(Exception):
    """An error whose `str()` raises."""

    def __str__(self) -> str:
        raise RuntimeError


def raise_and_catch(error: T) -> T:
    """Return the error with a traceback."""
    with pytest.raises(type(error)):
        raise error
    return error


class ErrorTrackerContract:
    """Subclasses provide the fixture `tracker`; its service may be unavailable."""

    @pytest.mark.parametrize("context", [CONTEXT, None])
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
    def test_report_error_accepts_any_error(
        self, tracker: ErrorTracker, error: BaseException, context: ErrorContext | None
    ) -> None:
        tracker.report_error(error, context)

    def test_report_outage_accepts_every_outage(self, tracker: ErrorTracker) -> None:
        for error in (UnavailableError("It is down"), UpstreamError("It fails")):
            tracker.report_outage("the hen", error)

    def test_concurrent_threads_can_report_errors(self, tracker: ErrorTracker) -> None:
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: tracker.report_error(KeyError(), CONTEXT), range(50)))
