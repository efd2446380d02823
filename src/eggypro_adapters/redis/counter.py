"""Rate counter in Redis, based on the library limits."""

from functools import cached_property
from typing import Any

from limits.storage import RedisStorage

from eggypro_adapters.redis.connection import LIMITS_KEY_PREFIX, RedisClient, RedisConnection
from eggypro_core.access.rate_limiting import RateLimitPolicy, RateLimitStatus


class RedisRateCounter:
    """Count in keys that expire with their windows; each command is atomic."""

    def __init__(self, connection: RedisConnection) -> None:
        self._connection = connection

    @cached_property
    def _storage(self) -> "_Storage":
        return _Storage(self._connection.client)

    def ping(self) -> None:
        """Reconnect. Raises UnavailableError unless Redis works."""
        self._connection.reconnect()
        self.__dict__.pop("_storage", None)

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:
        key = _key(policy, client)
        with self._connection.translate_errors():
            used = self._storage.incr(key, policy.window_seconds, count)
            return RateLimitStatus(
                policy, used, policy.window_seconds if used == count else self._seconds_left(key)
            )

    def get(self, policy: RateLimitPolicy, client: str) -> RateLimitStatus:
        key = _key(policy, client)
        with self._connection.translate_errors():
            used = self._storage.get(key)
            return RateLimitStatus(
                policy, used, self._seconds_left(key) if used else policy.window_seconds
            )

    def reset(self, policy: RateLimitPolicy, client: str) -> None:
        with self._connection.translate_errors():
            self._storage.clear(_key(policy, client))

    def _seconds_left(self, key: str) -> float:
        """Return the seconds until a key expires; those of the library are rounded."""
        return max(int(self._connection.client.pttl(self._storage.prefixed_key(key))), 0) / 1000


class _Storage(RedisStorage):
    """The storage of the library over an existing client, also one of a cluster."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        super().__init__("redis://", key_prefix=LIMITS_KEY_PREFIX)

    def get_connection(self, readonly: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        """Return the client that sends the commands."""
        return self._client


def _key(policy: RateLimitPolicy, client: str) -> str:
    return f"{policy.name}:{policy.window_seconds}:{client}"
