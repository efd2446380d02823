"""In-memory store of zero-result searches."""

from datetime import datetime
from threading import Lock

from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch


class MemoryZeroResultStore:
    """Count zero-result searches in memory."""

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
            by_words = sorted(self._searches.values(), key=lambda search: search.words)
        return tuple(sorted(by_words, key=_rank, reverse=True)[:limit])

    def clear(self) -> None:
        with self._lock:
            self._searches.clear()

    def prune(self, before: datetime) -> int:
        with self._lock:
            old = [search for search in self._searches.values() if search.last_at < before]
            for search in old:
                del self._searches[search.words]
        return len(old)


def _rank(search: ZeroResultSearch) -> tuple[int, datetime]:
    return search.times, search.last_at
