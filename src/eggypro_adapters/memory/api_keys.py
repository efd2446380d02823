"""In-memory store of API keys."""

from collections.abc import Mapping
from datetime import datetime
from threading import Lock

from attrs import asdict, evolve

from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_core.access.api_keys import (
    MAX_API_KEYS,
    ApiKey,
    ApiKeyDraft,
    key_not_found,
    too_many_keys,
)
from eggypro_core.domain.event import EventType, key_event


class MemoryApiKeyStore:
    """Store API keys in memory."""

    def __init__(self, database: MemoryDatabase | None = None) -> None:
        self._database = database or MemoryDatabase()
        self._keys: dict[int, ApiKey] = {}
        self._lock = Lock()

    def create(self, draft: ApiKeyDraft, prefix: str, digest: bytes, at: datetime) -> ApiKey:
        with self._lock:
            if sum(key.revoked_at is None for key in self._keys.values()) >= MAX_API_KEYS:
                raise too_many_keys()
            key_id = len(self._keys) + 1
            key = ApiKey(**asdict(draft), id=key_id, prefix=prefix, digest=digest, created_at=at)
            self._keys[key_id] = key
            self._database.record([key_event(EventType.KEY_CREATED, key.id, key.name)])
            return key

    def get(self, prefix: str) -> ApiKey:
        with self._lock:
            for key in self._keys.values():
                if key.prefix == prefix:
                    return key
        raise key_not_found(prefix)

    def list(self) -> tuple[ApiKey, ...]:
        with self._lock:
            return tuple(reversed(self._keys.values()))

    def revoke(self, key_id: int, at: datetime) -> bool:
        with self._lock:
            key = self._keys.get(key_id)
            if key is not None and key.revoked_at is None:
                self._keys[key_id] = evolve(key, revoked_at=at)
                self._database.record([key_event(EventType.KEY_REVOKED, key_id, key.name)])
        return key is not None

    def record_uses(self, uses: Mapping[int, datetime]) -> None:
        with self._lock:
            for key_id, at in uses.items():
                key = self._keys.get(key_id)
                if key is not None and (key.last_used_at is None or key.last_used_at < at):
                    self._keys[key_id] = evolve(key, last_used_at=at)
