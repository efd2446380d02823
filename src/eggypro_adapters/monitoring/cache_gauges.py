"""Metrics of the caches of a running server."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from eggypro_core.caching.entries import CacheCounts
from eggypro_core.operations.request_metrics import Metric

CacheCountsReader: TypeAlias = Callable[[], CacheCounts]


def cache_metrics(caches: Sequence[CacheCountsReader]) -> tuple[Metric, ...]:
    """Return the metrics of the caches, summed over those in `caches` at each export."""

    def metric(name: str, description: str, *, is_counter: bool = False) -> Metric:
        def read() -> float:
            return float(sum(getattr(counts(), name) for counts in caches))

        return Metric(f"eggypro_cache_{name}", description, read, is_counter=is_counter)

    return (
        metric("hits", "Responses served from the cache.", is_counter=True),
        metric("misses", "Responses that were not cached.", is_counter=True),
        metric("stale", "Stale responses served while the database is down.", is_counter=True),
        metric("kept", "Cached responses."),
        metric("bytes", "Approximate size of the cached responses."),
    )
