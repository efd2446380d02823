import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import cache as cached
from time import monotonic

import pytest

from eggypro_adapters.contracts.cache import EGG_ENTRY, NOW, CacheContract, make_entry
from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.redis import breaker, shared_cache
from eggypro_adapters.redis.cache import clear_entries, measure_entries
from eggypro_adapters.redis.connection import RedisConnection
from eggypro_adapters.redis.encoding import decode_entry, encode_entry
from eggypro_core.caching.entries import SharedCounts
from eggypro_core.caching.ports import Cache
from eggypro_core.errors import UnavailableError
from tests.support.redis_server import (
    BINARIES,
    RedisCluster,
    RedisServer,
    run_redis,
    run_redis_cluster,
)
from tests.support.tcp_proxy import run_proxy

TIMEOUT_SECONDS = 10
"""Long enough that a busy test machine does not look like an outage."""
LARGE_ENTRY = make_entry(b"x" * 3_000)


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock(NOW)


@pytest.fixture(autouse=True)
def _frequent_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "RETRY_INTERVAL_SECONDS", 0.02)


@pytest.fixture(params=BINARIES)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server that a test may kill, freeze or configure."""
    with run_redis(request.param) as server:
        yield server


@pytest.fixture(scope="module", params=BINARIES)
def shared_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server for tests that do not kill or configure it."""
    with run_redis(request.param) as server:
        yield server


@pytest.fixture
def empty_server(shared_server: RedisServer) -> RedisServer:
    with shared_server.client as client:
        client.flushall()
    return shared_server


@pytest.fixture
def cache(server: RedisServer, clock: FakeMonotonicClock) -> Iterator[Cache]:
    with shared_cache(server.url, "shop", clock, TIMEOUT_SECONDS) as cache:
        yield cache


@pytest.fixture
def working_cache(empty_server: RedisServer, clock: FakeMonotonicClock) -> Iterator[Cache]:
    """A cache whose server is never unavailable."""
    with shared_cache(empty_server.url, "shop", clock, TIMEOUT_SECONDS) as cache:
        yield cache


class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self, working_cache: Cache) -> Cache:
        return working_cache


@pytest.fixture(scope="module")
def clusters() -> Iterator[Callable[[str], RedisCluster]]:
    """Start one cluster of each kind. Tests must leave its nodes up and its slots in place."""
    with ExitStack() as stack:
        yield cached(lambda kind: stack.enter_context(run_redis_cluster(kind)))


@pytest.fixture(params=BINARIES)
def cluster(
    request: pytest.FixtureRequest, clusters: Callable[[str], RedisCluster]
) -> RedisCluster:
    return clusters(request.param)


@pytest.fixture
def valkey_cluster(clusters: Callable[[str], RedisCluster]) -> RedisCluster:
    return clusters("valkey")


class TestRedisClusterCache(CacheContract):
    @pytest.fixture
    def cache(self, cluster: RedisCluster, clock: FakeMonotonicClock) -> Iterator[Cache]:
        with shared_cache(cluster.url, "shop", clock, TIMEOUT_SECONDS) as cache:
            cache.clear()
            yield cache


def stores(cache: Cache, key: str = "/egg") -> bool:
    """Return whether the cache stores an entry."""
    cache.set(key, EGG_ENTRY)
    return cache.get(key) == EGG_ENTRY


def test_keys_have_the_prefix_of_the_cache_and_expire_with_their_entries(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    working_cache.set("/egg?a=b", EGG_ENTRY)
    with empty_server.client as client:
        assert client.keys() == [b"eggypro:shop:/egg?a=b"]
        ttl_ms = client.pttl("eggypro:shop:/egg?a=b")
    assert 200_000 < ttl_ms <= 300_250


def test_connecting_stores_nothing(server: RedisServer, clock: FakeMonotonicClock) -> None:
    with (
        server.client as client,
        shared_cache(server.url, "shop", clock, TIMEOUT_SECONDS),
        closing(RedisConnection(server.url, TIMEOUT_SECONDS)) as connection,
    ):
        connection.reconnect()
        assert measure_entries(connection) == SharedCounts(0, 0)
        assert client.keys() == []
        assert client.info("persistence")["rdb_changes_since_last_save"] == 0


def test_reconnecting_leaves_a_pending_response_alone(server: RedisServer) -> None:
    with (
        closing(RedisConnection(server.url, TIMEOUT_SECONDS)) as connection,
        server.client as client,
        ThreadPoolExecutor(1) as threads,
    ):
        reply = threads.submit(connection.client.blpop, ["list"], 0)
        wait_until(lambda: client.info("clients")["blocked_clients"])
        connection.reconnect()
        client.lpush("list", "x")
        assert reply.result() == (b"list", b"x")


def test_namespaces_do_not_share_entries(
    working_cache: Cache, empty_server: RedisServer, clock: FakeMonotonicClock
) -> None:
    with (
        shared_cache(empty_server.url, "shop", clock, TIMEOUT_SECONDS) as same,
        shared_cache(empty_server.url, "other", clock, TIMEOUT_SECONDS) as other,
    ):
        working_cache.set("/egg", EGG_ENTRY)
        assert [same.get("/egg"), other.get("/egg")] == [EGG_ENTRY, None]


def test_clear_deletes_only_keys_of_the_cache(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    foreign_keys = {b"eggypro", b"eggypro:limits:a", b"theirs:eggypro:a", b"Eggypro:a"}
    with empty_server.client as client:
        for key in foreign_keys:
            client.set(key, "x")
        client.set("eggypro:other:a", "x")
        client.lpush("eggypro:list", "x")
        working_cache.set("/egg", EGG_ENTRY)
        working_cache.clear()
        assert set(client.keys()) == foreign_keys


def test_measure_entries_counts_them_and_estimates_their_size(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    with (
        closing(RedisConnection(empty_server.url, TIMEOUT_SECONDS)) as connection,
        empty_server.client as client,
    ):
        for number in range(250):
            working_cache.set(f"/{number}", LARGE_ENTRY)
        client.set("theirs", "x" * 100_000)
        counts = measure_entries(connection)
        assert counts.kept == 250
        assert 250 * 3_000 < counts.bytes < 250 * 5_000
        assert (clear_entries(connection), client.keys()) == (250, [b"theirs"])


ENCODED = encode_entry(EGG_ENTRY)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        b"\x00" * 40,
        ENCODED[:-1],
        ENCODED[:7],
        ENCODED[:20],
        ENCODED + b"x",
        b"\x00" + ENCODED[1:],
        b"\x01" + ENCODED[1:],
        ENCODED[:30] + b"?" + ENCODED[31:],
        b"[1, 2]",
    ],
)
def test_undecodable_values_are_misses_and_deleted(
    working_cache: Cache, empty_server: RedisServer, value: bytes
) -> None:
    with empty_server.client as client:
        client.set("eggypro:shop:/egg", value)
        assert working_cache.get("/egg") is None
        assert client.keys() == []
    assert stores(working_cache)


def test_truncated_or_damaged_values_are_not_decoded() -> None:
    assert decode_entry(ENCODED) == EGG_ENTRY
    for position in range(len(ENCODED)):
        assert decode_entry(ENCODED[:position]) is None
        damaged = bytearray(ENCODED)
        damaged[position] ^= 1
        if position not in {5, 6}:  # where the body begins
            assert decode_entry(bytes(damaged)) is None


def test_values_of_another_redis_type_are_misses_and_deleted(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    with empty_server.client as client:
        client.lpush("eggypro:shop:/egg", "x")
        assert working_cache.get("/egg") is None
        assert client.keys() == []
        client.lpush("eggypro:shop:/egg", "x")
    assert stores(working_cache)


@contextmanager
def expect_one_outage(cache: Cache, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Check that the cache works before and after the block, and logs one outage and its end."""
    caplog.set_level(logging.INFO)
    assert stores(cache)
    yield
    wait_until(lambda: stores(cache))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def stores_nothing(cache: Cache) -> bool:
    cache.set("/milk", EGG_ENTRY)
    cache.delete("/salt")
    cache.clear()
    return cache.get("/milk") is None


def test_server_dies_and_restarts_empty(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with expect_one_outage(cache, caplog):
        server.kill()
        assert stores_nothing(cache)
        assert cache.get("/egg") is None
        server.start()


def test_restart_of_an_idle_server_is_survived(cache: Cache, server: RedisServer) -> None:
    assert stores(cache)
    server.kill()
    server.start()
    wait_until(lambda: stores(cache))


def test_entries_are_gone_after_a_flush_of_the_server(cache: Cache, server: RedisServer) -> None:
    assert stores(cache)
    with server.client as client:
        client.flushall()
    assert cache.get("/egg") is None
    assert stores(cache)


def test_cache_connects_later_to_a_server_that_is_down_at_the_start(
    server: RedisServer, clock: FakeMonotonicClock
) -> None:
    server.kill()
    with shared_cache(server.url, "shop", clock, TIMEOUT_SECONDS) as cache:
        assert stores_nothing(cache)
        server.start()
        wait_until(lambda: stores(cache))


def test_hanging_server_delays_only_the_requests_in_flight(
    clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    """One after another, all of them would wait for 100 seconds."""
    with (
        run_redis("valkey") as server,
        shared_cache(server.url, "shop", clock, 2) as cache,
        ThreadPoolExecutor(8) as threads,
        expect_one_outage(cache, caplog),
    ):
        server.freeze()
        start = monotonic()
        assert [*threads.map(cache.get, ["/egg"] * 400)] == [None] * 400
        assert monotonic() - start < 50
        server.unfreeze()


def test_url_parameters_cannot_override_the_timeout(
    server: RedisServer, clock: FakeMonotonicClock
) -> None:
    url = f"{server.url}?socket_timeout=60&retry_on_timeout=yes&decode_responses=yes"
    with shared_cache(url, "shop", clock) as cache:
        wait_until(lambda: stores(cache))
        server.freeze()
        start = monotonic()
        assert cache.get("/egg") is None
        assert monotonic() - start < 30


def test_full_server_is_an_outage(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with expect_one_outage(cache, caplog), server.client as client:
        client.config_set("maxmemory", 1)
        assert stores_nothing(cache)
        client.config_set("maxmemory", 0)


def test_server_that_became_a_replica_is_an_outage(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with expect_one_outage(cache, caplog), server.client as client:
        client.replicaof("127.0.0.1", 1)
        assert stores_nothing(cache)
        client.replicaof("NO", "ONE")


def test_wrong_password_is_an_outage_and_is_not_logged(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with server.client as client:
        client.config_set("requirepass", "right")
        url = server.url.replace("unix://", "unix://:wrong@")
        with shared_cache(url, "shop", clock, TIMEOUT_SECONDS) as cache:
            assert stores_nothing(cache)
            client.config_set("requirepass", "wrong")
            wait_until(lambda: stores(cache))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "wrong" not in caplog.records[0].getMessage().replace("WRONGPASS", "")


def test_cut_connections_are_an_outage(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with run_proxy(f"{server.folder}/socket") as wire:
        url = f"redis://127.0.0.1:{wire.port}"
        with (
            shared_cache(url, "shop", clock, TIMEOUT_SECONDS) as cache,
            expect_one_outage(cache, caplog),
        ):
            wire.disconnect()
            assert stores_nothing(cache)
            wire.reconnect()


def test_replies_that_break_off(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with run_proxy(f"{server.folder}/socket") as wire:
        url = f"redis://127.0.0.1:{wire.port}"
        with (
            shared_cache(url, "shop", clock, TIMEOUT_SECONDS) as cache,
            expect_one_outage(cache, caplog),
        ):
            cache.set("/egg", LARGE_ENTRY)
            wire.truncate_replies(1_000)
            assert cache.get("/egg") is None
            wire.truncate_replies(None)


def test_clear_and_measure_raise_unavailable_error_without_a_server(server: RedisServer) -> None:
    server.kill()
    with closing(RedisConnection(server.url, TIMEOUT_SECONDS)) as connection:
        for operation in (clear_entries, measure_entries):
            with pytest.raises(UnavailableError):
                operation(connection)


def test_hanging_cluster_does_not_cost_a_timeout_per_node(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        shared_cache(valkey_cluster.url, "shop", clock, 2) as cache,
        expect_one_outage(cache, caplog),
        valkey_cluster.frozen(),
    ):
        start = monotonic()
        assert cache.get("/egg") is None
        assert monotonic() - start < 2 * len(valkey_cluster.nodes)


def test_cache_connects_later_to_a_cluster_that_is_down_at_the_start(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with ExitStack() as stack:
        with valkey_cluster.frozen():
            cache = stack.enter_context(shared_cache(valkey_cluster.url, "shop", clock, 0.5))
            assert stores_nothing(cache)
        wait_until(lambda: stores(cache))


KEYS_ON_ALL_NODES = [f"/{number}" for number in range(30)]
"""Enough keys for every node of a cluster."""


def stores_on_all_nodes(cache: Cache) -> bool:
    return all(stores(cache, key) for key in KEYS_ON_ALL_NODES)


def test_killed_cluster_node_fails_no_request_and_is_used_again(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    node = valkey_cluster.nodes[2]
    with shared_cache(valkey_cluster.url, "shop", clock, TIMEOUT_SECONDS) as cache:
        assert stores_on_all_nodes(cache)
        node.kill()
        assert all(cache.get(key) in (None, EGG_ENTRY) for key in KEYS_ON_ALL_NODES)
        assert not stores_on_all_nodes(cache)
        node.start()
        wait_until(lambda: stores_on_all_nodes(cache))
    wait_until(valkey_cluster.is_whole)


def test_cluster_failover_to_a_replica(clock: FakeMonotonicClock) -> None:
    with (
        run_redis_cluster("valkey") as cluster,
        cluster.run_replica("valkey") as replica,
        shared_cache(cluster.url, "shop", clock, TIMEOUT_SECONDS) as cache,
    ):
        assert stores_on_all_nodes(cache)
        cluster.nodes[2].kill()
        assert all(cache.get(key) in (None, EGG_ENTRY) for key in KEYS_ON_ALL_NODES)
        with replica.client as client:
            client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        wait_until(lambda: stores_on_all_nodes(cache))


def test_cluster_slots_may_move_to_another_node(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with shared_cache(valkey_cluster.url, "shop", clock, TIMEOUT_SECONDS) as cache:
        for node in (0, 2):
            assert stores_on_all_nodes(cache)
            cache.clear()
            valkey_cluster.move_slots(of=2, to=node)
            assert not any(cache.get(key) for key in KEYS_ON_ALL_NODES)
            wait_until(lambda: stores_on_all_nodes(cache))


def test_clear_deletes_only_keys_of_the_cache_in_a_cluster(
    cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with (
        shared_cache(cluster.url, "shop", clock, TIMEOUT_SECONDS) as cache,
        closing(RedisConnection(cluster.url, TIMEOUT_SECONDS)) as connection,
    ):
        for number in range(30):
            assert stores(cache, f"/{number}")
            connection.client.set(f"theirs:{number}", "x")
        assert measure_entries(connection).kept >= 30
        cache.clear()
    assert cluster.keys() == {f"theirs:{number}".encode() for number in range(30)}
