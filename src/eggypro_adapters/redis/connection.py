"""A connection to Redis that fails soon, and its errors in the words of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from eggypro_core.errors import UnavailableError

PATIENCE = 0.075
"""The seconds to wait for a connection, or for an answer: nobody may wait for 0.1."""


def pool(url: str, patience: float = PATIENCE) -> ConnectionPool:
    """Return connections that wait no longer than so many seconds, and try nothing twice."""
    made = ConnectionPool.from_url(url)
    # Not as arguments: what the address says would go before them. A repeated INCR counts twice.
    made.connection_kwargs |= {
        "socket_timeout": patience,
        "socket_connect_timeout": patience,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
    }
    return made


@contextmanager
def translated() -> Iterator[None]:
    """Raise UnavailableError whatever is wrong with Redis."""
    try:
        yield
    except RedisError as error:
        raise UnavailableError(f"Redis does not answer as it should: {error}") from error
