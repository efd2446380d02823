"""What workers share through Redis, or a server that speaks its language."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from eggypro_adapters.redis.connection import PATIENCE, pool, translated
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import LocalCounter, SharedCounter
from eggypro_core.ports import Counter


@contextmanager
def shared_counter(url: str, local: LocalCounter, patience: float = PATIENCE) -> Iterator[Counter]:
    """Count together with all that are given the same address, alone while it is away."""
    connections = pool(url, patience)
    try:
        with SharedCounter(RedisCounter(connections), local).running() as counter:
            yield counter
    finally:
        connections.disconnect()


def ping(url: str, patience: float = 0.5) -> None:
    """Raise UnavailableError unless the Redis at an address answers."""
    connections = pool(url, patience)
    try:
        with translated():
            Redis(connection_pool=connections).ping()
    finally:
        connections.disconnect()
