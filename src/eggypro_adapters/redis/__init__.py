"""Redis adapters: the shared rate counter and the shared response cache of the workers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from eggypro_adapters.redis.cache import RedisCache, clear_entries, measure_entries
from eggypro_adapters.redis.connection import TIMEOUT_SECONDS, RedisConnection
from eggypro_adapters.redis.counter import RedisRateCounter
from eggypro_adapters.redis.shared_counter import LocalRateCounter, SharedRateCounter
from eggypro_core.access.rate_limiting import RateCounter
from eggypro_core.caching.entries import SharedCounts
from eggypro_core.caching.ports import Cache

_HEALTH_TIMEOUT_SECONDS = 0.5
"""Seconds to wait for a health check."""
_ADMIN_TIMEOUT_SECONDS = 5.0
"""Seconds to wait for a command of a person: no request is delayed by it."""


@contextmanager
def shared_rate_counter(
    url: str,
    local: LocalRateCounter,
    timeout_seconds: float = TIMEOUT_SECONDS,
    outage: AbstractContextManager[None] | None = None,
) -> Iterator[RateCounter]:
    """Yield a rate counter shared by all processes with the same URL; local while Redis is down.

    `outage` wraps each request to Redis, to detect outages.
    """
    with (
        closing(RedisConnection(url, timeout_seconds)) as connection,
        SharedRateCounter(RedisRateCounter(connection), local, outage).running() as counter,
    ):
        yield counter


@contextmanager
def shared_cache(
    url: str,
    namespace: str,
    clock: Callable[[], float],
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Iterator[Cache]:
    """Yield a cache shared by all processes with the same URL and namespace."""
    with (
        closing(RedisConnection(url, timeout_seconds)) as connection,
        RedisCache(connection, namespace, clock).running() as cache,
    ):
        yield cache


def clear_cache(url: str) -> int:
    """Delete the cached responses of all shops; return their number. Raises UnavailableError."""
    with closing(RedisConnection(url, _ADMIN_TIMEOUT_SECONDS)) as connection:
        return clear_entries(connection)


def measure_cache(url: str) -> SharedCounts:
    """Count the cached responses of all shops. Raises UnavailableError."""
    with closing(RedisConnection(url, _ADMIN_TIMEOUT_SECONDS)) as connection:
        return measure_entries(connection)


def ping(url: str) -> None:
    """Raise UnavailableError unless the Redis at `url` accepts writes within half a second."""
    with closing(RedisConnection(url, _HEALTH_TIMEOUT_SECONDS)) as connection:
        connection.reconnect()
