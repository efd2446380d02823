"""A connection to Redis that fails soon, and its errors in the words of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from redis import ConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from eggypro_core.errors import UnavailableError

PATIENCE = 0.075
"""The seconds to wait for a connection, or for an answer: nobody may wait for 0.1."""
_CLUSTER = "+cluster://"
_PORT = 6379
Client: TypeAlias = Redis | RedisCluster


class Link:
    """A Redis, or a cluster where the address says `redis+cluster` or `rediss+cluster`.

    Nothing waits longer than so many seconds, and nothing is tried twice.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._url = url
        self._patience = patience

    @cached_property
    def client(self) -> Client:
        """What speaks to it. A cluster is asked for its nodes at once: RedisError may come."""
        if _CLUSTER in self._url:
            return _cluster(self._url, self._patience)
        return Redis.from_pool(pool(self._url, self._patience))

    def close(self) -> None:
        """Close every connection."""
        if "client" in self.__dict__:
            self.client.close()


def pool(url: str, patience: float = PATIENCE) -> ConnectionPool:
    """Return connections that wait no longer than so many seconds, and try nothing twice."""
    made = ConnectionPool.from_url(url)
    # Not as arguments: what the address says would go before them. A repeated INCR counts twice.
    made.connection_kwargs |= {
        "socket_timeout": patience,
        "socket_connect_timeout": patience,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "decode_responses": False,
    }
    return made


def _cluster(url: str, patience: float) -> RedisCluster:
    parts = urlsplit(url)
    user, _, places = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    return RedisCluster(
        startup_nodes=[_node(place) for place in places.split(",")],
        retry=Retry(NoBackoff(), 0),
        username=unquote(name) or None,
        password=unquote(password) or None,
        ssl=parts.scheme.startswith("rediss"),
        socket_timeout=patience,
        socket_connect_timeout=patience,
    )


def _node(place: str) -> ClusterNode:
    parts = urlsplit(f"//{place}")
    host, port = parts.hostname or "", parts.port or _PORT
    return ClusterNode(host, port)  # type: ignore[no-untyped-call]  # the library's own


@contextmanager
def translated() -> Iterator[None]:
    """Raise UnavailableError whatever is wrong with Redis."""
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        raise UnavailableError(f"Redis does not answer as it should: {error}") from error
