"""Error tracking: unexpected errors and the start of outages."""

import logging
from collections.abc import Callable, Iterable
from threading import Lock
from time import monotonic
from typing import Protocol

from attrs import frozen

from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import (
    EggyProError,
    StorageFullError,
    UnavailableError,
    UnavailableKind,
    UpstreamError,
)

PARTIAL_OUTAGE_SECONDS = 3.0
"""Seconds without an error after which an outage that affects only some calls has ended."""
STORAGE_REPORT_SECONDS = 600.0
"""Seconds between two reports of a full disk. Reads still succeed, and would end an outage."""
_log = logging.getLogger(__name__)


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
    """Watch a service in `with` blocks: report the start of each outage once to every tracker.

    A block without an error ends the outage, which is logged. If a right or a table is missing,
    other calls succeed: that outage ends PARTIAL_OUTAGE_SECONDS after its last error by `clock`. A
    service that is only busy has no outage. A full disk is reported every STORAGE_REPORT_SECONDS.
    In nested blocks, an error belongs to the innermost detector.
    """

    def __init__(
        self,
        service: str,
        trackers: Iterable[ErrorTracker],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._service = service
        self._trackers = tuple(trackers)
        self._clock = clock
        self._lock = Lock()
        self._is_down = False
        self._lasts_until = 0.0
        self._storage_reports = CircuitBreaker(STORAGE_REPORT_SECONDS, clock)

    def __enter__(self) -> None:
        """Watch the calls to the service."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            if self._is_down and self._clock() >= self._lasts_until:
                self._end()
        elif isinstance(error, UnavailableError | UpstreamError) and not error.is_reported:
            error.is_reported = True
            if isinstance(error, StorageFullError):
                self._report_full_storage(error)
            elif isinstance(error, UpstreamError) or not error.is_busy:
                self._report_outage(error)

    def _report_full_storage(self, error: StorageFullError) -> None:
        if self._storage_reports.allows():
            self._storage_reports.trip()
            self._report(error)

    def _report_outage(self, error: EggyProError) -> None:
        is_partial = isinstance(error, UnavailableError) and error.kind is not UnavailableKind.DOWN
        with self._lock:
            was_down, self._is_down = self._is_down, True
            self._lasts_until = self._clock() + PARTIAL_OUTAGE_SECONDS if is_partial else 0.0
        if not was_down:
            self._report(error)

    def _report(self, error: EggyProError) -> None:
        for tracker in self._trackers:
            tracker.report_outage(self._service, error)

    def _end(self) -> None:
        with self._lock:
            was_down, self._is_down = self._is_down, False
        if was_down:
            _log.info("Outage of %s ended", self._service)
