"""A Redis user restricted to our keys is enough; a Redis that denies something says so."""

import socket
from collections.abc import Iterator
from contextlib import closing
from time import monotonic, time

import pytest

from eggypro_adapters.memory import MemoryRateCounter
from eggypro_adapters.redis import (
    clear_cache,
    measure_cache,
    ping,
    shared_cache,
    shared_rate_counter,
)
from eggypro_adapters.redis.connection import RedisConnection
from eggypro_core.access.rate_limiting import RateLimitPolicy
from eggypro_core.caching.entries import CachedResponse, CacheEntry, Snapshot
from eggypro_core.errors import UnavailableError, UnavailableKind
from tests.support.redis_server import RedisServer, run_redis

ACL_RULES = {
    "shop": ("~eggypro:*", "&eggypro*", "+@all"),
    "stranger": ("~theirs:*", "&theirs*", "+@all"),
    "reader": ("~*", "+@read", "+@connection"),
}
GENEROUS_TIMEOUT_SECONDS = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with run_redis("valkey") as server:
        with server.client as client:
            for name, rules in ACL_RULES.items():
                client.execute_command("ACL", "SETUSER", name, "on", ">geheim", *rules)
        yield server


def url_of(server: RedisServer, user: str, password: str = "geheim") -> str:  # noqa: S107
    return server.url.replace("unix://", f"unix://{user}:{password}@")


def test_a_user_of_our_keys_alone_may_do_everything(server: RedisServer) -> None:
    url = url_of(server, "shop")
    entry = CacheEntry(Snapshot("h", 1), time() + 60, CachedResponse(b"egg"))
    with (
        shared_cache(url, "n", time, GENEROUS_TIMEOUT_SECONDS) as cache,
        shared_rate_counter(url, MemoryRateCounter(monotonic), GENEROUS_TIMEOUT_SECONDS) as counter,
        server.client as client,
    ):
        ping(url)
        cache.set("/egg", entry)
        assert cache.get("/egg") == entry
        policy = RateLimitPolicy("logins", 5, 900, is_exact=True)
        assert counter.increment(policy, "ada").used == 1
        keys = client.keys()
        assert len(keys) == 2
        assert all(key.startswith(b"eggypro:") for key in keys)
        assert measure_cache(url).kept == 1
        assert clear_cache(url) == 1
        assert counter.get(policy, "ada").used == 1
        counter.reset(policy, "ada")
        assert client.keys() == []


@pytest.mark.parametrize("user", ["stranger", "reader"])
def test_denied_user_is_named_with_the_rule(server: RedisServer, user: str) -> None:
    with pytest.raises(UnavailableError) as raised:
        ping(url_of(server, user))
    rule = f"`ACL SETUSER {user} ~eggypro:* &eggypro* +@all`"
    assert f"denies user '{user}'" in str(raised.value)
    assert rule in str(raised.value)
    assert raised.value.kind is UnavailableKind.MISCONFIGURED


def test_wrong_password_is_said_without_it(server: RedisServer) -> None:
    with pytest.raises(UnavailableError) as raised:
        ping(url_of(server, "shop", "hunter2"))
    assert str(raised.value).endswith("rejects user or password: check REDIS_URL")
    assert raised.value.kind is UnavailableKind.MISCONFIGURED
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("scheme"), ["redis", "redis+cluster"])
def test_refused_port_is_named(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        closing(RedisConnection(f"{scheme}://127.0.0.1:{port}")) as connection,
        pytest.raises(UnavailableError, match=f"^Nothing listens at 127.0.0.1:{port}: start"),
    ):
        connection.reconnect()


def test_unknown_host_is_named() -> None:
    with (
        closing(RedisConnection("redis://:hunter2@no-such-host.invalid")) as connection,
        pytest.raises(UnavailableError, match=r"no-such-host\.invalid") as raised,
    ):
        connection.reconnect()
    assert "hunter2" not in str(raised.value)
