"""Counts in Redis, by the library limits."""

from limits.storage import RedisStorage
from redis import ConnectionPool, Redis

from eggypro_adapters.redis.connection import translated
from eggypro_core.rates import Policy, Standing

_PREFIX = "eggypro-limits"
"""What begins every key. Not `eggypro:`, which is the cache's, and cleared with it."""


class RedisCounter:
    """Counts in keys that end with their windows; each command is atomic."""

    def __init__(self, connections: ConnectionPool) -> None:
        self._redis = Redis(connection_pool=connections)
        self._storage = RedisStorage("redis://", connections, key_prefix=_PREFIX)

    def ping(self) -> None:
        """Raise UnavailableError unless Redis answers."""
        with translated():
            self._redis.ping()

    def add(self, policy: Policy, client: str, *, times: int = 1) -> Standing:
        key = _key(policy, client)
        with translated():
            used = self._storage.incr(key, policy.window, times)
            return Standing(policy, used, policy.window if used == times else self._left(key))

    def read(self, policy: Policy, client: str) -> Standing:
        key = _key(policy, client)
        with translated():
            used = self._storage.get(key)
            return Standing(policy, used, self._left(key) if used else policy.window)

    def clear(self, policy: Policy, client: str) -> None:
        with translated():
            self._storage.clear(_key(policy, client))

    def _left(self, key: str) -> float:
        """Return the seconds until a key ends. The library knows them rounded, down at times."""
        return max(int(self._redis.pttl(self._storage.prefixed_key(key))), 0) / 1000


def _key(policy: Policy, client: str) -> str:
    return f"{policy.name}:{policy.window}:{client}"
