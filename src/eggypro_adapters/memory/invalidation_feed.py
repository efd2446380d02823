"""Writes as they are told of within this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from eggypro_core.caching.entries import ALL_TAGS, Snapshot

_HISTORY = "memory"


class MemoryInvalidationFeed:
    """Knows what it is told: whoever writes does so in a block of `writing`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0
        self._running: set[int] = set()
        self._last: dict[str, int] = {}
        self.is_connected = True

    @contextmanager
    def write(self, *tags: str) -> Iterator[None]:
        """Note a write under some tags, or under EVERYTHING; it can be seen as the block ends."""
        with self._lock:
            number = self._next
            self._next += 1
            self._running.add(number)
            self._last |= dict.fromkeys(tags, number)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(number)

    def invalidate(self, *tags: str) -> None:
        """Note a write that is over."""
        with self.write(*tags):
            pass

    def snapshot(self) -> Snapshot | None:
        with self._lock:
            return (
                Snapshot(_HISTORY, min(self._running, default=self._next))
                if self.is_connected
                else None
            )

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        return snapshot.history != _HISTORY or self._latest_write(tags) >= snapshot.number

    def _latest_write(self, tags: tuple[str, ...]) -> int:
        return max(self._last.get(tag, -1) for tag in (*tags, ALL_TAGS))
