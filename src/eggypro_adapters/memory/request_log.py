"""Calls kept within this process."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil
from threading import Lock

from eggypro_core.operations.request_metrics import FAILED, Call, CallSummary


class MemoryCallStore:
    """Keeps calls in this process. They are gone with it."""

    def __init__(self) -> None:
        self._kept: list[Call] = []
        self._lock = Lock()

    def add(self, calls: Sequence[Call]) -> None:
        with self._lock:
            self._kept += calls

    def summary(self, since: datetime) -> tuple[CallSummary, ...]:
        meant = sorted((one for one in self._calls() if one.at >= since), key=_route)
        sums = [_summed(list(calls)) for _, calls in groupby(meant, _route)]
        return tuple(sorted(sums, key=lambda one: -one.requests))

    def counts(self, since: datetime, *, step: timedelta, steps: int) -> tuple[int, ...]:
        counted = [0] * steps
        for call in self._calls():
            number = (call.at - since) // step
            if 0 <= number < steps:
                counted[number] += 1
        return tuple(counted)

    def prune(self, before: datetime, most: int) -> int:
        with self._lock:
            old = [number for number, one in enumerate(self._kept) if one.at < before][:most]
            for number in reversed(old):
                del self._kept[number]
        return len(old)

    def _calls(self) -> Iterable[Call]:
        with self._lock:
            return tuple(self._kept)


def _route(call: Call) -> tuple[str, str]:
    return call.endpoint, call.method


def _summed(calls: Sequence[Call]) -> CallSummary:
    times = sorted(call.response_time for call in calls)

    def percentile(percent: int) -> float:
        return times[ceil(len(times) * percent / 100) - 1]

    return CallSummary(
        *_route(calls[0]),
        requests=len(calls),
        errors=sum(call.status >= FAILED for call in calls),
        average=sum(times) / len(times),
        p50=percentile(50),
        p95=percentile(95),
        p99=percentile(99),
    )
