"""A cache within this process: bounded, the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from eggypro_core.caching.entries import Kept

MOST, BYTES = 100_000, 64 * 1024 * 1024
"""How many answers are kept, and what they may weigh together."""
_OVERHEAD = 600
"""What the objects around an answer weigh, about."""


class MemoryCache:
    """Keeps at most so many answers and bytes. `clock` tells the seconds since 1970."""

    def __init__(
        self, clock: Callable[[], float], *, most: int = MOST, most_bytes: int = BYTES
    ) -> None:
        self._clock = clock
        self._most = most
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """What is kept weighs about so much."""
        return self._bytes

    def get(self, key: str) -> Kept | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.ends <= self._clock():
            self.delete(key)
            return None
        with suppress(KeyError):  # another thread may just have dropped it
            self._kept.move_to_end(key)
        return kept

    def set(self, key: str, kept: Kept) -> None:
        with self._lock:
            self._drop(key)
            self._kept[key] = kept
            self._bytes += _weight(key, kept)
            while len(self._kept) > self._most or self._bytes > self._most_bytes:
                self._drop(next(iter(self._kept)))

    def delete(self, key: str) -> None:
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= _weight(key, kept)


def _weight(key: str, kept: Kept) -> int:
    return len(key) + len(kept.rendering.body) + _OVERHEAD
