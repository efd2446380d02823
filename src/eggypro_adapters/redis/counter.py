"""Counts in Redis, by the library limits."""

from functools import cached_property
from typing import Any

from limits.storage import RedisStorage

from eggypro_adapters.redis.connection import Client, RedisConnection, translated
from eggypro_core.access.rate_limiting import Policy, RateLimitStatus

_PREFIX = "eggypro-limits"
"""What begins every key. Not `eggypro:`, which is the cache's, and cleared with it."""


class RedisCounter:
    """Counts in keys that end with their windows; each command is atomic."""

    def __init__(self, link: RedisConnection) -> None:
        self._link = link

    @cached_property
    def _storage(self) -> "_Storage":
        return _Storage(self._link.client)

    def ping(self) -> None:
        """Connect anew. Raises UnavailableError unless Redis answers as it should."""
        self._link.reconnect()
        self.__dict__.pop("_storage", None)

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:
        key = _key(policy, client)
        with translated():
            used = self._storage.incr(key, policy.window_seconds, count)
            return RateLimitStatus(
                policy, used, policy.window_seconds if used == count else self._left(key)
            )

    def get(self, policy: Policy, client: str) -> RateLimitStatus:
        key = _key(policy, client)
        with translated():
            used = self._storage.get(key)
            return RateLimitStatus(policy, used, self._left(key) if used else policy.window_seconds)

    def reset(self, policy: Policy, client: str) -> None:
        with translated():
            self._storage.clear(_key(policy, client))

    def _left(self, key: str) -> float:
        """Return the seconds until a key ends. The library knows them rounded, down at times."""
        return max(int(self._link.client.pttl(self._storage.prefixed_key(key))), 0) / 1000


class _Storage(RedisStorage):
    """The library's storage, over a client that is there, of a cluster too."""

    def __init__(self, client: Client) -> None:
        self._client = client
        super().__init__("redis://", key_prefix=_PREFIX)

    def get_connection(self, readonly: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        """Return what its commands are sent by."""
        return self._client


def _key(policy: Policy, client: str) -> str:
    return f"{policy.name}:{policy.window_seconds}:{client}"
