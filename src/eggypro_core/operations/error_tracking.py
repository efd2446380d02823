"""What goes wrong: where an unexpected error was, and when a service went away."""

from collections.abc import Iterable
from threading import Lock
from types import TracebackType
from typing import Protocol

from attrs import frozen

from eggypro_core.errors import EggyProError, UnavailableError, UpstreamError


@frozen
class ErrorContext:
    """The call in which an error was: no body, no credential, no more of an address than is kept.

    `endpoint` is the template of its route, `user_id` of whom the credential is, if it was good.
    """

    endpoint: str
    method: str
    user_id: str | None
    request_id: str
    user_agent: str
    network: str


class ErrorTracker(Protocol):
    """Tells those who look after a shop what goes wrong: at once, waiting for nobody.

    Raises nothing, whatever is away.
    """

    def report_error(self, error: BaseException, context: ErrorContext | None) -> None:
        """Tell of an error that nobody expected, in a call or in a thread of its own."""
        ...

    def report_outage(self, service: str, error: EggyProError) -> None:
        """Tell that a service has just gone away."""
        ...


class OutageDetector:
    """Watches a service in `with` blocks. The trackers are told when it goes away: once.

    It is there again when a block comes to its end. Being busy, which says when to come back, is
    no outage. Of blocks within one another, an error is the innermost one's.
    """

    def __init__(self, service: str, trackers: Iterable[ErrorTracker]) -> None:
        self._service = service
        self._trackers = tuple(trackers)
        self._lock = Lock()
        self._is_down = False

    def __enter__(self) -> None:
        """Watch what is asked of the service."""

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
            was_on, self._is_down = self._is_down, True
        if not was_on:
            for tracker in self._trackers:
                tracker.report_outage(self._service, error)


def _is_busy(error: EggyProError) -> bool:
    return isinstance(error, UnavailableError) and error.retry_after is not None
