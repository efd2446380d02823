"""Writes as they are told of within this process."""

from itertools import count
from threading import Lock

from eggypro_core.renderings import EVERYTHING, Moment

_HISTORY = "memory"


class MemoryChanges:
    """Knows what it is told: whoever writes calls `touch` before the write can be seen."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._numbers = count(1)
        self._next = 0
        self._last: dict[str, int] = {}
        self.is_heard = True

    def touch(self, *tags: str) -> None:
        """Note a write under some tags, or under EVERYTHING."""
        with self._lock:
            self._next = next(self._numbers)
            self._last |= dict.fromkeys(tags, self._next - 1)

    def seen(self) -> Moment | None:
        return Moment(_HISTORY, self._next) if self.is_heard else None

    def outdated(self, seen: Moment, tags: tuple[str, ...]) -> bool:
        return seen.history != _HISTORY or self._latest(tags) >= seen.number

    def state(self, tags: tuple[str, ...]) -> object:
        return self._latest(tags)

    def _latest(self, tags: tuple[str, ...]) -> int:
        return max(self._last.get(tag, -1) for tag in (*tags, EVERYTHING))
