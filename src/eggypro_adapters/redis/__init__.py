"""What workers share through Redis, or a server that speaks its language."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from eggypro_adapters.redis.cache import RedisCache
from eggypro_adapters.redis.connection import PATIENCE, Link
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import LocalCounter, SharedCounter
from eggypro_core.ports import Cache, Counter


@contextmanager
def shared_counter(url: str, local: LocalCounter, patience: float = PATIENCE) -> Iterator[Counter]:
    """Count together with all that are given the same address, alone while it is away."""
    with (
        closing(Link(url, patience)) as link,
        SharedCounter(RedisCounter(link), local).running() as counter,
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
