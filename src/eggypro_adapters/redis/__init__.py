"""What workers share through Redis, or a server that speaks its language."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

from eggypro_adapters.redis.cache import RedisCache, empty, weighed
from eggypro_adapters.redis.connection import PATIENCE, Link, translated
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import LocalCounter, SharedCounter
from eggypro_core.access.rate_limiting import Counter
from eggypro_core.caching.entries import SharedCounts
from eggypro_core.caching.ports import Cache

_SOON = 0.5
"""The seconds to wait for an answer to one who asks how it is."""
_UNHURRIED = 5.0
"""The seconds to wait for an answer to a person, whom no request waits for."""


@contextmanager
def shared_counter(
    url: str,
    local: LocalCounter,
    patience: float = PATIENCE,
    outage: AbstractContextManager[None] | None = None,
) -> Iterator[Counter]:
    """Count together with all that are given the same address, alone while it is away.

    The `outage` watches whether it is.
    """
    with (
        closing(Link(url, patience)) as link,
        SharedCounter(RedisCounter(link), local, outage).running() as counter,
    ):
        yield counter


@contextmanager
def shared_cache(
    url: str, namespace: str, clock: Callable[[], float], patience: float = PATIENCE
) -> Iterator[Cache]:
    """Keep answers for all that are given the same address and namespace."""
    with (
        closing(Link(url, patience)) as link,
        RedisCache(link, namespace, clock).running() as cache,
    ):
        yield cache


def empty_cache(url: str) -> int:
    """Remove the answers of all shops. Return how many there were. Raises UnavailableError."""
    with closing(Link(url, _UNHURRIED)) as link:
        return empty(link)


def weigh_cache(url: str) -> SharedCounts:
    """Count the answers of all shops. Raises UnavailableError."""
    with closing(Link(url, _UNHURRIED)) as link:
        return weighed(link)


def ping(url: str) -> None:
    """Raise UnavailableError unless the Redis at an address answers soon."""
    with closing(Link(url, _SOON)) as link, translated():
        link.client.ping()
