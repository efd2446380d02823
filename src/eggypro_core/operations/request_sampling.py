"""Sampling of requests that match no route: anybody can send any number of them."""

from threading import Lock

from attrs import evolve

from eggypro_core.operations.request_metrics import (
    SAMPLED_ENDPOINT,
    UNMATCHED_ENDPOINT,
    RequestRecord,
    RequestRecorder,
)

MAX_UNMATCHED_PER_SECOND = 10
"""Requests that match no route and are recorded in each second."""


class UnmatchedSampler:
    """Pass records on to a recorder; of those that match no route, only the first in each second.

    If there are more, one of them is passed on each minute with SAMPLED_ENDPOINT, by which a
    summary knows.
    """

    def __init__(self, recorder: RequestRecorder) -> None:
        self._recorder = recorder
        self._lock = Lock()
        self._second = self._sampled_minute = -1
        self._count = 0

    def record(self, request: RequestRecord) -> None:
        """Record a request, unless it is one of too many. Does not block and raises nothing."""
        if request.endpoint != UNMATCHED_ENDPOINT:
            self._recorder.record(request)
            return
        second = int(request.completed_at.timestamp())
        if self._is_within_limit(second):
            self._recorder.record(request)
        elif self._is_first_in_minute(second // 60):
            self._recorder.record(evolve(request, endpoint=SAMPLED_ENDPOINT))

    def _is_within_limit(self, second: int) -> bool:
        with self._lock:
            self._count = self._count + 1 if second == self._second else 1
            self._second = second
            return self._count <= MAX_UNMATCHED_PER_SECOND

    def _is_first_in_minute(self, minute: int) -> bool:
        with self._lock:
            is_first = minute != self._sampled_minute
            self._sampled_minute = minute
            return is_first
