"""Response cache in Redis. Entries are revalidated elsewhere, and Redis may evict any of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from redis.exceptions import ResponseError

from eggypro_adapters.redis.breaker import ReconnectingBreaker
from eggypro_adapters.redis.connection import (
    KEY_PREFIX,
    LIMITS_KEY_PREFIX,
    RedisClient,
    RedisConnection,
)
from eggypro_adapters.redis.encoding import decode_entry, encode_entry
from eggypro_core.caching.entries import CacheEntry, SharedCounts

_BATCH_SIZE = 500
_SAMPLE_SIZE = 100
"""Number of entries measured to estimate the size of all."""


class RedisCache:
    """Cache responses in Redis until they expire. While Redis is down, every lookup is a miss.

    Shops whose responses differ for the same database need different namespaces. `clock` returns
    seconds since 1970.
    """

    def __init__(
        self, connection: RedisConnection, namespace: str, clock: Callable[[], float]
    ) -> None:
        self._connection = connection
        self._prefix = f"{KEY_PREFIX}{namespace}:"
        self._clock = clock
        self._breaker = ReconnectingBreaker(
            connection.reconnect,
            down_message="Each worker uses its own cache.",
            up_message="The workers share their cache again",
        )

    @contextmanager
    def running(self) -> Iterator["RedisCache"]:
        """Reconnect to Redis in the background after failures, until the block ends."""
        with self._breaker.running():
            yield self

    def get(self, key: str) -> CacheEntry | None:
        name = self._name(key)
        value = self._breaker.call(lambda: self._read(name))
        if value is None:
            return None
        entry = decode_entry(value)
        if entry is None:
            self.delete(key)
        return entry if entry is not None and entry.expires_at > self._clock() else None

    def set(self, key: str, entry: CacheEntry) -> None:
        ttl_ms = int((entry.expires_at - self._clock()) * 1000)
        if ttl_ms > 0:
            name, value = self._name(key), encode_entry(entry)
            self._breaker.call(lambda: self._write(name, value, ttl_ms))
        else:
            self.delete(key)

    def delete(self, key: str) -> None:
        self._breaker.call(lambda: self._remove(self._name(key)))

    def clear(self) -> None:
        self._breaker.call(lambda: clear_entries(self._connection))

    def _name(self, key: str) -> bytes:
        return (self._prefix + key).encode("utf-8", "surrogatepass")

    def _read(self, name: bytes) -> bytes | None:
        with self._connection.translate_errors():
            try:
                value: Any = self._connection.client.get(name)
            except ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                return b""  # the key of another program: decoding fails and deletes it
            return None if value is None else bytes(value)

    def _write(self, name: bytes, value: bytes, ttl_ms: int) -> None:
        with self._connection.translate_errors():
            self._connection.client.set(name, value, px=ttl_ms)

    def _remove(self, name: bytes) -> None:
        with self._connection.translate_errors():
            self._connection.client.unlink(name)


def clear_entries(connection: RedisConnection) -> int:
    """Delete the cached responses of all shops, and nothing else; return their number."""
    count = 0
    with connection.translate_errors():
        names = _names(connection.client)
        while batch := list(islice(names, _BATCH_SIZE)):
            count += connection.client.unlink(*batch)
    return count


def measure_entries(connection: RedisConnection) -> SharedCounts:
    """Count the entries; estimate their size from a sample."""
    with connection.translate_errors():
        names = _names(connection.client)
        sample = list(islice(names, _SAMPLE_SIZE))
        sizes = [connection.client.memory_usage(name) or 0 for name in sample]
        total = len(sample) + sum(1 for _ in names)
    return SharedCounts(total, sum(sizes) * total // max(len(sample), 1))


def _names(client: RedisClient) -> Iterator[bytes]:
    names: Iterator[bytes] = client.scan_iter(match=f"{KEY_PREFIX}*", count=_BATCH_SIZE)
    limits = f"{LIMITS_KEY_PREFIX}:".encode()
    return (name for name in names if not name.startswith(limits))
