"""The searches that found nothing, counted within this process."""

from datetime import datetime
from threading import Lock

from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch


class MemoryZeroResultStore:
    """Counts in this process. They are gone with it."""

    def __init__(self) -> None:
        self._searches: dict[str, ZeroResultSearch] = {}
        self._lock = Lock()

    def record(self, words: str, at: datetime) -> None:
        with self._lock:
            former = self._searches.pop(words, ZeroResultSearch(words, 0, at))
            if len(self._searches) == MAX_ZERO_RESULT_TERMS:
                del self._searches[min(self._searches.values(), key=_rank).words]
            last_at = max(former.last_at, at)
            self._searches[words] = ZeroResultSearch(words, former.times + 1, last_at)

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        with self._lock:
            by_words = sorted(self._searches.values(), key=lambda one: one.words)
        return tuple(sorted(by_words, key=_rank, reverse=True)[:limit])

    def clear(self) -> None:
        with self._lock:
            self._searches.clear()


def _rank(miss: ZeroResultSearch) -> tuple[int, datetime]:
    return miss.times, miss.last_at
