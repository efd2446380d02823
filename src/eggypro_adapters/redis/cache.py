"""Answers in Redis: whether they still hold is asked elsewhere, so it may forget what it likes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from redis.exceptions import ResponseError

from eggypro_adapters.redis.breaker import Breaker
from eggypro_adapters.redis.connection import Client, Link, translated
from eggypro_adapters.redis.encoding import decoded, encoded
from eggypro_core.caching.entries import Kept, SharedCounts

PREFIX = "eggypro:"
"""What begins every key of the cache, and of nothing else."""
_BATCH = 500
_SAMPLE = 100
"""How many values are weighed, for all of them."""


class RedisCache:
    """Keeps answers of shops in Redis, which ends them. While it is away there is none.

    Shops whose answers differ for the same database have a `namespace` each. `clock` tells the
    seconds since 1970.
    """

    def __init__(self, link: Link, namespace: str, clock: Callable[[], float]) -> None:
        self._link = link
        self._prefix = f"{PREFIX}{namespace}:"
        self._clock = clock
        self._breaker = Breaker(
            link.renew,
            lost="Every worker keeps answers on its own.",
            found="The workers share what they keep again",
        )

    @contextmanager
    def running(self) -> Iterator["RedisCache"]:
        """Look after Redis in the background, until the end of the block."""
        with self._breaker.running():
            yield self

    def get(self, key: str) -> Kept | None:
        name = self._name(key)
        value = self._breaker.ask(lambda: self._read(name))
        if value is None:
            return None
        kept = decoded(value)
        if kept is None:
            self.delete(key)
        return kept if kept is not None and kept.ends > self._clock() else None

    def set(self, key: str, kept: Kept) -> None:
        left = int((kept.ends - self._clock()) * 1000)
        if left > 0:
            name, value = self._name(key), encoded(kept)
            self._breaker.ask(lambda: self._write(name, value, left))
        else:
            self.delete(key)

    def delete(self, key: str) -> None:
        self._breaker.ask(lambda: self._remove(self._name(key)))

    def clear(self) -> None:
        self._breaker.ask(lambda: empty(self._link))

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


def empty(link: Link) -> int:
    """Remove the answers of all shops, and nothing else. Return how many there were."""
    removed = 0
    with translated():
        names = _names(link.client)
        while batch := list(islice(names, _BATCH)):
            removed += link.client.unlink(*batch)
    return removed


def weighed(link: Link) -> SharedCounts:
    """Count the answers, and weigh some of them."""
    with translated():
        names = _names(link.client)
        sample = list(islice(names, _SAMPLE))
        weights = [link.client.memory_usage(name) or 0 for name in sample]
        kept = len(sample) + sum(1 for _ in names)
    return SharedCounts(kept, sum(weights) * kept // max(len(sample), 1))


def _names(client: Client) -> Iterator[bytes]:
    names: Iterator[bytes] = client.scan_iter(match=f"{PREFIX}*", count=_BATCH)
    return names
