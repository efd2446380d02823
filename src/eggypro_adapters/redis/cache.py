"""Answers in Redis: whether they still hold is asked elsewhere, so it may forget what it likes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from redis.exceptions import ResponseError

from eggypro_adapters.redis.breaker import Breaker
from eggypro_adapters.redis.connection import Client, RedisConnection, translated
from eggypro_adapters.redis.encoding import decode_entry, encode_entry
from eggypro_core.caching.entries import CacheEntry, SharedCounts

KEY_PREFIX = "eggypro:"
"""What begins every key of the cache, and of nothing else."""
_BATCH = 500
_SAMPLE = 100
"""How many values are weighed, for all of them."""


class RedisCache:
    """Keeps answers of shops in Redis, which ends them. While it is away there is none.

    Shops whose answers differ for the same database have a `namespace` each. `clock` tells the
    seconds since 1970.
    """

    def __init__(self, link: RedisConnection, namespace: str, clock: Callable[[], float]) -> None:
        self._link = link
        self._prefix = f"{KEY_PREFIX}{namespace}:"
        self._clock = clock
        self._breaker = Breaker(
            link.reconnect,
            lost="Every worker keeps answers on its own.",
            found="The workers share what they keep again",
        )

    @contextmanager
    def running(self) -> Iterator["RedisCache"]:
        """Look after Redis in the background, until the end of the block."""
        with self._breaker.running():
            yield self

    def get(self, key: str) -> CacheEntry | None:
        name = self._name(key)
        value = self._breaker.ask(lambda: self._read(name))
        if value is None:
            return None
        kept = decode_entry(value)
        if kept is None:
            self.delete(key)
        return kept if kept is not None and kept.expires_at > self._clock() else None

    def set(self, key: str, entry: CacheEntry) -> None:
        left = int((entry.expires_at - self._clock()) * 1000)
        if left > 0:
            name, value = self._name(key), encode_entry(entry)
            self._breaker.ask(lambda: self._write(name, value, left))
        else:
            self.delete(key)

    def delete(self, key: str) -> None:
        self._breaker.ask(lambda: self._remove(self._name(key)))

    def clear(self) -> None:
        self._breaker.ask(lambda: clear_entries(self._link))

    def _name(self, key: str) -> bytes:
        return (self._prefix + key).encode("utf-8", "surrogatepass")

    def _read(self, name: bytes) -> bytes | None:
        with translated():
            try:
                found: Any = self._link.client.get(name)
            except ResponseError as error:
                if not str(error).startswith("WRONGTYPE"):
                    raise
                return b""  # somebody else's: it is not decoded either
            return None if found is None else bytes(found)

    def _write(self, name: bytes, value: bytes, left: int) -> None:
        with translated():
            self._link.client.set(name, value, px=left)

    def _remove(self, name: bytes) -> None:
        with translated():
            self._link.client.unlink(name)


def clear_entries(link: RedisConnection) -> int:
    """Remove the answers of all shops, and nothing else. Return how many there were."""
    removed = 0
    with translated():
        names = _names(link.client)
        while batch := list(islice(names, _BATCH)):
            removed += link.client.unlink(*batch)
    return removed


def measure_entries(link: RedisConnection) -> SharedCounts:
    """Count the answers, and weigh some of them."""
    with translated():
        names = _names(link.client)
        sample = list(islice(names, _SAMPLE))
        weights = [link.client.memory_usage(name) or 0 for name in sample]
        kept = len(sample) + sum(1 for _ in names)
    return SharedCounts(kept, sum(weights) * kept // max(len(sample), 1))


def _names(client: Client) -> Iterator[bytes]:
    names: Iterator[bytes] = client.scan_iter(match=f"{KEY_PREFIX}*", count=_BATCH)
    return names
