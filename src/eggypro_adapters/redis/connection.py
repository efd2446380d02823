"""A connection to Redis that fails soon, and its errors in the words of the domain."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from redis import ConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import ClusterError, RedisClusterException, RedisError
from redis.retry import Retry

from eggypro_core.errors import UnavailableError

TIMEOUT_SECONDS = 0.075
"""The seconds to wait for a connection, or for an answer: nobody may wait for 0.1."""
_CLUSTER = "+cluster://"
_PORT = 6379
_PROBE = "eggypro-probe"
"""A key that nobody has. Not `eggypro:`, which is the cache's."""
Client: TypeAlias = Redis | RedisCluster


class RedisConnection:
    """The way to a Redis, or to a cluster where the address says `redis+cluster`.

    No answer takes longer than so many seconds, and nothing is tried twice.
    """

    def __init__(self, url: str, patience: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._patience = patience

    @cached_property
    def client(self) -> Client:
        """What speaks to it. A cluster is asked for its nodes at once, which may fail."""
        if _CLUSTER in self._url:
            return _cluster(self._url, self._patience)
        return Redis.from_pool(pool(self._url, self._patience))

    def reconnect(self) -> None:
        """Connect anew. Raises UnavailableError unless all of it answers, and keeps what it gets.

        It may be full, or no more than a replica.
        """
        if (former := self.__dict__.pop("client", None)) is not None:
            _close_idle(former)
        with translated():
            client = self.client
            if isinstance(client, RedisCluster):
                client.ping(target_nodes=RedisCluster.PRIMARIES)
            client.set(_PROBE, b"", xx=True)  # refused like any write, and it stores nothing

    def close(self) -> None:
        """Close every connection."""
        if "client" in self.__dict__:
            self.client.close()


def _close_idle(client: Client) -> None:
    """Close the connections on which nobody waits: the others end with their replies."""
    if not isinstance(client, RedisCluster):
        client.connection_pool.disconnect(inuse_connections=False)
        return
    for node in client.get_nodes():  # type: ignore[no-untyped-call]  # the library's own
        if node.redis_connection is not None:
            _close_idle(node.redis_connection)


def pool(url: str, patience: float = TIMEOUT_SECONDS) -> ConnectionPool:
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
    cluster = RedisCluster(
        startup_nodes=[_node(place) for place in places.split(",")],
        retry=Retry(NoBackoff(), 0),
        username=unquote(name) or None,
        password=unquote(password) or None,
        ssl=parts.scheme.startswith("rediss"),
        socket_timeout=patience,
        socket_connect_timeout=patience,
    )
    # To ask for the nodes again takes the patience of each of them: that is for `renew`.
    cluster.nodes_manager.initialize = _refuse  # type: ignore[method-assign]
    return cluster


def _refuse(*_: object, **__: object) -> None:
    raise ClusterError("A node does not answer, or is no longer what it was")


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
