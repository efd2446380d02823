"""In-memory feed of cache invalidations."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from eggypro_core.caching.entries import ALL_TAGS, Snapshot

_HISTORY = "memory"


class MemoryInvalidationFeed:
    """Record the writes that are announced by `write` or `invalidate`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0
        self._running: set[int] = set()
        self._latest_by_tag: dict[str, int] = {}
        self.is_connected = True

    @contextmanager
    def write(self, *tags: str) -> Iterator[None]:
        """Record a write with tags, or with ALL_TAGS; it is visible when the block ends."""
        with self._lock:
            number = self._next
            self._next += 1
            self._running.add(number)
            self._latest_by_tag |= dict.fromkeys(tags, number)
        try:
            yield
        finally:
            with self._lock:
                self._running.remove(number)

    def invalidate(self, *tags: str) -> None:
        """Record a completed write."""
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
        return max(self._latest_by_tag.get(tag, -1) for tag in (*tags, ALL_TAGS))
