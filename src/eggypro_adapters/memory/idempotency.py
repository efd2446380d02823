"""In-memory store of idempotency keys and their responses."""

from collections.abc import Callable
from datetime import datetime
from threading import Lock

from attrs import define, field

from eggypro_core.errors import ConflictError
from eggypro_core.operations.idempotency import IDEMPOTENCY_RETENTION, StoredResponse
from eggypro_core.shop import Shop


@define
class MemoryIdempotencyStore:
    """Store responses in memory.

    Has no transaction: in-memory stores change nothing when they refuse a write.
    """

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
                raise ConflictError(
                    "A request with this Idempotency-Key is being answered",
                    code="request-in-progress",
                )
            expires_at, response = self._responses.get(key, (at, None))
            if response is not None and expires_at > at:
                return response, True
            self._running_keys.add(key)
        try:
            response = work(shop)
            with self._lock:  # `prune` may be iterating
                self._responses[key] = (at + IDEMPOTENCY_RETENTION, response)
            return response, False
        finally:
            self._running_keys.remove(key)

    def prune(self, at: datetime, limit: int) -> int:
        with self._lock:
            expired = [key for key, (expires_at, _) in self._responses.items() if expires_at <= at]
            for key in expired[:limit]:
                del self._responses[key]
            return len(expired[:limit])
