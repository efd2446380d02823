"""In-memory cache of a process: bounded, with least-recently-used eviction."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from attrs import evolve

from eggypro_core.caching.entries import CacheEntry

MAX_ENTRIES, MAX_BYTES = 100_000, 64 * 1024 * 1024
"""The limits of the cache: number of entries, and their total size in bytes."""
_ENTRY_OVERHEAD_BYTES = 750
"""The approximate size of the objects around a response body."""
_TAG_BYTES = 16
"""The approximate size of a tag: entries share its text."""


class MemoryCache:
    """Cache at most `max_entries` and `max_bytes`. `clock` returns seconds since 1970."""

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
        """The approximate size of all entries."""
        return self._bytes

    def get(self, key: str) -> CacheEntry | None:
        try:
            entry = self._entries[key]
            if entry.expires_at > self._clock():
                self._entries.move_to_end(key)
                return entry
        except KeyError:  # there was none, or another thread has just removed it
            return None
        self.delete(key)
        return None

    def set(self, key: str, entry: CacheEntry) -> None:
        entry = _with_exact_buffer(entry)
        with self._lock:
            self._remove(key)
            self._entries[key] = entry
            self._bytes += _size_bytes(key, entry)
            while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
                self._remove(next(iter(self._entries)))

    def delete(self, key: str) -> None:
        with self._lock:
            self._remove(key)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes = 0

    def _remove(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size_bytes(key, entry)


def _with_exact_buffer(entry: CacheEntry) -> CacheEntry:
    """Return the entry with a copy of its body, without spare memory.

    orjson writes to a buffer of kilobytes and shrinks it, which leaves holes that stay unused.
    """
    body = bytes(memoryview(entry.response.body))
    return evolve(entry, response=evolve(entry.response, body=body))


def _size_bytes(key: str, entry: CacheEntry) -> int:
    return (
        len(key)
        + len(entry.response.body)
        + _TAG_BYTES * len(entry.response.tags)
        + _ENTRY_OVERHEAD_BYTES
    )
