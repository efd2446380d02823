"""What was done with an idempotency key, in this process."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from attrs import define, field

from eggypro_core.errors import ConflictError
from eggypro_core.operations.idempotency import IDEMPOTENCY_RETENTION, StoredResponse
from eggypro_core.shop import Shop


@define
class MemoryIdempotencyStore:
    """Remembers in a dictionary. What stores in memory refuse, they leave as it was."""

    _lock: Lock = field(factory=Lock)
    _running_keys: set[str] = field(factory=set)
    _responses: dict[str, tuple[datetime, StoredResponse]] = field(factory=dict)

    def run(
        self,
        shop: Shop,
        key: str,
        at: datetime,
        work: Callable[[Shop], StoredResponse],
    ) -> tuple[StoredResponse, bool]:
        with self._lock:
            if key in self._running_keys:
                raise ConflictError("A request with this Idempotency-Key is being answered")
            expires_at, done = self._responses.get(key, (at, None))
            if done is not None and expires_at > at:
                return done, True
            self._running_keys.add(key)
        try:
            done = work(shop)
            with self._lock:  # `prune` may be counting
                self._responses[key] = (at + IDEMPOTENCY_RETENTION, done)
            return done, False
        finally:
            self._running_keys.remove(key)

    def prune(self, at: datetime, limit: int) -> int:
        with self._lock:
            over = [name for name, (expires_at, _) in self._responses.items() if expires_at <= at]
            for name in over[:limit]:
                del self._responses[name]
            return len(over[:limit])
