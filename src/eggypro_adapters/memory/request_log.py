"""In-memory request log."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil
from threading import Lock

from eggypro_core.operations.request_metrics import (
    MIN_ERROR_STATUS,
    MIN_SERVER_ERROR_STATUS,
    ErrorSummary,
    RequestRecord,
    RequestSummary,
)


class MemoryRequestLog:
    """Store request records in memory."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._lock = Lock()

    def append(self, records: Sequence[RequestRecord]) -> None:
        with self._lock:
            self._records += records

    def summarise(self, since: datetime) -> tuple[RequestSummary, ...]:
        records = sorted(
            (record for record in self._copy_records() if record.completed_at >= since), key=_route
        )
        summaries = [_summarise(list(group)) for _, group in groupby(records, _route)]
        return tuple(sorted(summaries, key=lambda summary: -summary.requests))

    def summarise_errors(self, since: datetime) -> tuple[ErrorSummary, ...]:
        records = sorted(
            (
                record
                for record in self._copy_records()
                if record.completed_at >= since and record.status >= MIN_ERROR_STATUS
            ),
            key=_route_and_status,
        )
        groups = groupby(records, _route_and_status)
        return tuple(sorted((_summarise_errors(list(group)) for _, group in groups), key=_severity))

    def count_by_step(
        self, since: datetime, *, step: timedelta, step_count: int
    ) -> tuple[int, ...]:
        counts = [0] * step_count
        for record in self._copy_records():
            index = (record.completed_at - since) // step
            if 0 <= index < step_count:
                counts[index] += 1
        return tuple(counts)

    def prune(self, before: datetime, limit: int) -> int:
        with self._lock:
            indexes = [
                index for index, record in enumerate(self._records) if record.completed_at < before
            ][:limit]
            for index in reversed(indexes):
                del self._records[index]
        return len(indexes)

    def _copy_records(self) -> Iterable[RequestRecord]:
        with self._lock:
            return tuple(self._records)


def _route(record: RequestRecord) -> tuple[str, str]:
    return record.endpoint, record.method


def _route_and_status(record: RequestRecord) -> tuple[str, str, int]:
    return record.endpoint, record.method, record.status


def _severity(summary: ErrorSummary) -> tuple[bool, int]:
    return summary.status < MIN_SERVER_ERROR_STATUS, -summary.count


def _summarise_errors(records: Sequence[RequestRecord]) -> ErrorSummary:
    latest = max(records, key=lambda record: record.completed_at)
    return ErrorSummary(
        *_route_and_status(latest),
        count=len(records),
        last_at=latest.completed_at,
        request_id=latest.request_id,
    )


def _summarise(records: Sequence[RequestRecord]) -> RequestSummary:
    times = sorted(record.rounded_ms for record in records)

    def percentile(percent: int) -> float:
        return times[ceil(len(times) * percent / 100) - 1]

    return RequestSummary(
        *_route(records[0]),
        requests=len(records),
        errors=sum(record.status >= MIN_ERROR_STATUS for record in records),
        average_ms=sum(times) / len(times),
        p50=percentile(50),
        p95=percentile(95),
        p99=percentile(99),
    )
