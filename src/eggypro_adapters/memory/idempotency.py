"""What was done with an idempotency key, in this process."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from attrs import define, field

from eggypro_core.errors import ConflictError
from eggypro_core.operations.idempotency import REMEMBERED, Done
from eggypro_core.shop import Shop


@define
class MemoryOnce:
    """Remembers in a dictionary. What stores in memory refuse, they leave as it was."""

    _lock: Lock = field(factory=Lock)
    _claimed: set[str] = field(factory=set)
    _done: dict[str, tuple[datetime, Done]] = field(factory=dict)

    def run(
        self, shop: Shop, name: str, at: datetime, work: Callable[[Shop], Done]
    ) -> tuple[Done, bool]:
        with self._lock:
            if name in self._claimed:
                raise ConflictError("A request with this Idempotency-Key is being answered")
            expires_at, done = self._done.get(name, (at, None))
            if done is not None and expires_at > at:
                return done, True
            self._claimed.add(name)
        try:
            done = work(shop)
            with self._lock:  # `prune` may be counting
                self._done[name] = (at + REMEMBERED, done)
            return done, False
        finally:
            self._claimed.remove(name)

    def prune(self, at: datetime, most: int) -> int:
        with self._lock:
            over = [name for name, (expires_at, _) in self._done.items() if expires_at <= at]
            for name in over[:most]:
                del self._done[name]
            return len(over[:most])
