"""What workers share through Redis, or a server that speaks its language."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from eggypro_adapters.redis.connection import PATIENCE, pool
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import LocalCounter, SharedCounter
from eggypro_core.ports import Counter


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
    connections = pool(url, patience)
    try:
        with SharedCounter(RedisCounter(connections), local, outage).running() as counter:
            yield counter
    finally:
        connections.disconnect()
