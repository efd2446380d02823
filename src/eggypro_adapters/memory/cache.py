"""A cache within this process: bounded, the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from eggypro_core.caching.entries import CacheEntry

MAX_ENTRIES, MAX_BYTES = 100_000, 64 * 1024 * 1024
"""How many answers are kept, and what they may weigh together."""
_ENTRY_OVERHEAD_BYTES = 600
"""What the objects around an answer weigh, about."""


class MemoryCache:
    """Keeps at most so many answers and bytes. `clock` tells the seconds since 1970."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._lock = Lock()
        self._entries: OrderedDict[str, CacheEntry] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def bytes(self) -> int:
        """What is kept weighs about so much."""
        return self._bytes

    def get(self, key: str) -> CacheEntry | None:
        kept = self._entries.get(key)
        if kept is None:
            return None
        if kept.expires_at <= self._clock():
            self.delete(key)
            return None
        with suppress(KeyError):  # another thread may just have dropped it
            self._entries.move_to_end(key)
        return kept

    def set(self, key: str, entry: CacheEntry) -> None:
        with self._lock:
            self._drop(key)
            self._entries[key] = entry
            self._bytes += _size_bytes(key, entry)
            while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _drop(self, key: str) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._bytes -= _size_bytes(key, kept)


def _size_bytes(key: str, kept: CacheEntry) -> int:
    return len(key) + len(kept.response.body) + _ENTRY_OVERHEAD_BYTES
