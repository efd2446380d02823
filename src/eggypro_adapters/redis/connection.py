"""Connection to Redis with short timeouts, and the translation of its errors."""

import errno
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from redis import ConnectionPool, Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode
from redis.exceptions import (
    AuthenticationError,
    ClusterError,
    NoPermissionError,
    RedisClusterException,
    RedisError,
)
from redis.retry import Retry

from eggypro_core.errors import UnavailableError, UnavailableKind

TIMEOUT_SECONDS = 0.075
"""Seconds to wait for a connection or a response: no request may be delayed by 0.1 s."""
_CLUSTER_SCHEME = "+cluster://"
_DEFAULT_PORT = 6379
KEY_PREFIX = "eggypro:"
"""Prefix of all keys, so that a Redis user may be restricted to them."""
LIMITS_KEY_PREFIX = f"{KEY_PREFIX}limits"
"""Prefix of the rate limits: the keys that are not those of the cache."""
_PROBE_KEY = f"{KEY_PREFIX}probe"
"""A key that never exists."""
_ACL_RULE = f"~{KEY_PREFIX}* &eggypro* +@all"
_CONNECT_ERROR = re.compile(r"Error (-?\d+) connecting to")
_UNKNOWN_HOST_CODES = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
_NOTHING_LISTENS_CODES = {errno.ECONNREFUSED, errno.ENOENT}
RedisClient: TypeAlias = Redis | RedisCluster


class RedisConnection:
    """A connection to a Redis, or to a cluster if the URL says `redis+cluster`.

    Each command fails after `timeout_seconds`, without a retry.
    """

    def __init__(self, url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds

    @cached_property
    def client(self) -> RedisClient:
        """Return the client. A cluster client looks up its nodes immediately, which may fail."""
        if _CLUSTER_SCHEME in self._url:
            return _cluster(self._url, self._timeout_seconds)
        return Redis.from_pool(create_pool(self._url, self._timeout_seconds))

    def reconnect(self) -> None:
        """Reconnect. Raises UnavailableError unless all primaries respond and accept writes.

        A server may be full, or may have become a replica.
        """
        if (former := self.__dict__.pop("client", None)) is not None:
            _close_idle(former)
        with self.translate_errors():
            client = self.client
            if isinstance(client, RedisCluster):
                client.ping(target_nodes=RedisCluster.PRIMARIES)
            client.set(_PROBE_KEY, b"", xx=True)  # rejected like any write, but stores nothing

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raise UnavailableError with the reason, without secrets, for any error of Redis."""
        try:
            yield
        except (RedisError, RedisClusterException) as error:
            raise self._reason(error) from error

    def _reason(self, error: RedisError | RedisClusterException) -> UnavailableError:
        parts = urlsplit(self._url)
        address = parts.netloc.rpartition("@")[2] or parts.path
        if isinstance(error, NoPermissionError):
            user = unquote(parts.username or "default")
            return _misconfigured(
                f"Redis at {address} denies user '{user}' what it needs ({error}): run"
                f" `ACL SETUSER {user} {_ACL_RULE}`"
            )
        if isinstance(error, AuthenticationError):
            return _misconfigured(f"Redis at {address} rejects user or password: check REDIS_URL")
        text = str(error.__cause__ or error)  # that of a cluster has advice for programmers
        match = _CONNECT_ERROR.search(text)
        code = int(match.group(1)) if match else 0
        if code in _UNKNOWN_HOST_CODES:
            return _misconfigured(f"Unknown Redis host in {address}: correct REDIS_URL")
        if code in _NOTHING_LISTENS_CODES:
            return UnavailableError(
                f"Nothing listens at {address}: start Redis there, or correct REDIS_URL"
            )
        return UnavailableError(f"Redis at {address} is unavailable: {text}")

    def close(self) -> None:
        """Close all connections."""
        if "client" in self.__dict__:
            self.client.close()


def _misconfigured(message: str) -> UnavailableError:
    return UnavailableError(message, kind=UnavailableKind.MISCONFIGURED)


def _close_idle(client: RedisClient) -> None:
    """Close the idle connections; the busy ones are closed after their responses."""
    if not isinstance(client, RedisCluster):
        client.connection_pool.disconnect(inuse_connections=False)
        return
    for node in client.get_nodes():  # type: ignore[no-untyped-call]  # untyped in the library
        if node.redis_connection is not None:
            _close_idle(node.redis_connection)


def create_pool(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> ConnectionPool:
    """Return a connection pool with the given timeout and without retries."""
    connections = ConnectionPool.from_url(url)
    # Not as arguments: parameters of the URL would override them. A retried INCR counts twice.
    connections.connection_kwargs |= {
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "decode_responses": False,
    }
    return connections


def _cluster(url: str, timeout_seconds: float) -> RedisCluster:
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    cluster = RedisCluster(
        startup_nodes=[_node(host_and_port) for host_and_port in hosts.split(",")],
        retry=Retry(NoBackoff(), 0),
        username=unquote(name) or None,
        password=unquote(password) or None,
        ssl=parts.scheme.startswith("rediss"),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=timeout_seconds,
    )
    # To ask for the nodes again takes the timeout of each of them: `reconnect` does that.
    cluster.nodes_manager.initialize = _raise_cluster_error  # type: ignore[method-assign]
    return cluster


def _raise_cluster_error(*_: object, **__: object) -> None:
    raise ClusterError("A cluster node is down or has changed its role")


def _node(host_and_port: str) -> ClusterNode:
    parts = urlsplit(f"//{host_and_port}")
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORT
    return ClusterNode(host, port)  # type: ignore[no-untyped-call]  # untyped in the library
