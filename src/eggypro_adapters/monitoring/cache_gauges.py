"""The figures of the caches of a running server."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from eggypro_core.caching.entries import CacheCounts
from eggypro_core.operations.request_metrics import Metric

CountCache: TypeAlias = Callable[[], CacheCounts]


def cache_metrics(caches: Sequence[CountCache]) -> tuple[Metric, ...]:
    """Return how it goes in the caches that there are by the time somebody looks."""

    def summed(name: str, meaning: str, *, is_total: bool = False) -> Metric:
        def read() -> float:
            return float(sum(getattr(counts(), name) for counts in caches))

        return Metric(f"eggypro_cache_{name}", meaning, read, is_counter=is_total)

    return (
        summed("hits", "Answers that had been kept.", is_total=True),
        summed("misses", "Answers that were made.", is_total=True),
        summed("stale", "Answers of before, given as the database is away.", is_total=True),
        summed("kept", "Answers that are kept."),
        summed("bytes", "What the kept answers weigh, about."),
    )
