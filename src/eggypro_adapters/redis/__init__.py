"""What workers share through Redis, or a server that speaks its language."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from eggypro_adapters.redis.cache import RedisCache, clear_entries, measure_entries
from eggypro_adapters.redis.connection import TIMEOUT_SECONDS, RedisConnection, translated
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import LocalCounter, SharedCounter
from eggypro_core.access.rate_limiting import RateCounter
from eggypro_core.caching.entries import SharedCounts
from eggypro_core.caching.ports import Cache

_HEALTH_TIMEOUT_SECONDS = 0.5
"""The seconds to wait for an answer to one who asks how it is."""
_ADMIN_TIMEOUT_SECONDS = 5.0
"""The seconds to wait for an answer to a person, whom no request waits for."""


@contextmanager
def shared_counter(
    url: str,
    local: LocalCounter,
    patience: float = TIMEOUT_SECONDS,
    outage: AbstractContextManager[None] | None = None,
) -> Iterator[RateCounter]:
    """Count together with all that are given the same address, alone while it is away.

    The `outage` watches whether it is.
    """
    with (
        closing(RedisConnection(url, patience)) as link,
        SharedCounter(RedisCounter(link), local, outage).running() as counter,
    ):
        yield counter


@contextmanager
def shared_cache(
    url: str, namespace: str, clock: Callable[[], float], patience: float = TIMEOUT_SECONDS
) -> Iterator[Cache]:
    """Keep answers for all that are given the same address and namespace."""
    with (
        closing(RedisConnection(url, patience)) as link,
        RedisCache(link, namespace, clock).running() as cache,
    ):
        yield cache


def clear_cache(url: str) -> int:
    """Remove the answers of all shops. Return how many there were. Raises UnavailableError."""
    with closing(RedisConnection(url, _ADMIN_TIMEOUT_SECONDS)) as link:
        return clear_entries(link)


def measure_cache(url: str) -> SharedCounts:
    """Count the answers of all shops. Raises UnavailableError."""
    with closing(RedisConnection(url, _ADMIN_TIMEOUT_SECONDS)) as link:
        return measure_entries(link)


def ping(url: str) -> None:
    """Raise UnavailableError unless the Redis at an address answers soon."""
    with closing(RedisConnection(url, _HEALTH_TIMEOUT_SECONDS)) as link, translated():
        link.client.ping()
