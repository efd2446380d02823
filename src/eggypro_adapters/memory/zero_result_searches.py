"""The searches that found nothing, counted within this process."""

from datetime import datetime
from threading import Lock

from eggypro_core.search.zero_results import KEPT, SearchMiss


class MemorySearchMisses:
    """Counts in this process. They are gone with it."""

    def __init__(self) -> None:
        self._kept: dict[str, SearchMiss] = {}
        self._lock = Lock()

    def record(self, words: str, at: datetime) -> None:
        with self._lock:
            former = self._kept.pop(words, SearchMiss(words, 0, at))
            if len(self._kept) == KEPT:
                del self._kept[min(self._kept.values(), key=_weight).words]
            last_at = max(former.last_at, at)
            self._kept[words] = SearchMiss(words, former.times + 1, last_at)

    def list(self, limit: int) -> tuple[SearchMiss, ...]:
        with self._lock:
            by_words = sorted(self._kept.values(), key=lambda one: one.words)
        return tuple(sorted(by_words, key=_weight, reverse=True)[:limit])

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _weight(miss: SearchMiss) -> tuple[int, datetime]:
    return miss.times, miss.last_at
