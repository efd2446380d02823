"""Calls kept within this process."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil
from threading import Lock

from eggypro_core.operations.request_metrics import MIN_ERROR_STATUS, RequestRecord, RequestSummary


class MemoryRequestLog:
    """Keeps calls in this process. They are gone with it."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._lock = Lock()

    def append(self, records: Sequence[RequestRecord]) -> None:
        with self._lock:
            self._records += records

    def summarise(self, since: datetime) -> tuple[RequestSummary, ...]:
        meant = sorted(
            (one for one in self._copy_records() if one.completed_at >= since), key=_route
        )
        sums = [_summarise(list(calls)) for _, calls in groupby(meant, _route)]
        return tuple(sorted(sums, key=lambda one: -one.requests))

    def count_by_step(
        self, since: datetime, *, step: timedelta, step_count: int
    ) -> tuple[int, ...]:
        counted = [0] * step_count
        for call in self._copy_records():
            number = (call.completed_at - since) // step
            if 0 <= number < step_count:
                counted[number] += 1
        return tuple(counted)

    def prune(self, before: datetime, limit: int) -> int:
        with self._lock:
            old = [number for number, one in enumerate(self._records) if one.completed_at < before][
                :limit
            ]
            for number in reversed(old):
                del self._records[number]
        return len(old)

    def _copy_records(self) -> Iterable[RequestRecord]:
        with self._lock:
            return tuple(self._records)


def _route(call: RequestRecord) -> tuple[str, str]:
    return call.endpoint, call.method


def _summarise(calls: Sequence[RequestRecord]) -> RequestSummary:
    times = sorted(call.rounded_ms for call in calls)

    def percentile(percent: int) -> float:
        return times[ceil(len(times) * percent / 100) - 1]

    return RequestSummary(
        *_route(calls[0]),
        requests=len(calls),
        errors=sum(call.status >= MIN_ERROR_STATUS for call in calls),
        average_ms=sum(times) / len(times),
        p50=percentile(50),
        p95=percentile(95),
        p99=percentile(99),
    )
