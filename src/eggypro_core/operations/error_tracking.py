"""Error tracking: unexpected errors and the start of outages."""

from collections.abc import Iterable
from threading import Lock
from types import TracebackType
from typing import Protocol

from attrs import frozen

from eggypro_core.errors import EggyProError, UnavailableError, UpstreamError


@frozen
class ErrorContext:
    """The request in which an error occurred: no body, no credential, no full client address.

    `endpoint` is the template of its route, `network` as in RequestRecord, `user_id` the
    authenticated user.
    """

    endpoint: str
    method: str
    user_id: str | None
    request_id: str
    user_agent: str
    network: str


class ErrorTracker(Protocol):
    """Report errors to the operators of a shop, without blocking.

    Raises nothing, even if the tracker's service is unavailable.
    """

    def report_error(self, error: BaseException, context: ErrorContext | None) -> None:
        """Report an unexpected error, in a request or (without `context`) in a thread."""
        ...

    def report_outage(self, service: str, error: EggyProError) -> None:
        """Report the start of an outage of a service."""
        ...


class OutageDetector:
    """Watch a service in `with` blocks and report the start of each outage once to every tracker.

    A block without an error ends the outage. An UnavailableError with `retry_after` means busy,
    not an outage. In nested blocks, an error belongs to the innermost detector.
    """

    def __init__(self, service: str, trackers: Iterable[ErrorTracker]) -> None:
        self._service = service
        self._trackers = tuple(trackers)
        self._lock = Lock()
        self._is_down = False

    def __enter__(self) -> None:
        """Watch the calls to the service."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._is_down = False
        elif isinstance(error, UnavailableError | UpstreamError) and not error.is_reported:
            error.is_reported = True
            if not _is_busy(error):
                self._report(error)

    def _report(self, error: EggyProError) -> None:
        with self._lock:
            was_down, self._is_down = self._is_down, True
        if not was_down:
            for tracker in self._trackers:
                tracker.report_outage(self._service, error)


def _is_busy(error: EggyProError) -> bool:
    return isinstance(error, UnavailableError) and error.retry_after is not None
