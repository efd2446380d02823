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

PATIENT = 10
"""Seconds: a busy machine is not a server that is away."""
LARGE = make_entry(b"x" * 3_000)


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock(NOW)


@pytest.fixture(autouse=True)
def _frequent_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "RETRY", 0.02)


@pytest.fixture(params=BINARIES)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server that a test may kill, freeze or configure."""
    with run_redis(request.param) as started:
        yield started


@pytest.fixture(scope="module", params=BINARIES)
def shared_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    """A server for tests that leave it as it is."""
    with run_redis(request.param) as started:
        yield started


@pytest.fixture
def empty_server(shared_server: RedisServer) -> RedisServer:
    with shared_server.client as client:
        client.flushall()
    return shared_server


@pytest.fixture
def cache(server: RedisServer, clock: FakeMonotonicClock) -> Iterator[Cache]:
    with shared_cache(server.url, "shop", clock, PATIENT) as cache:
        yield cache


@pytest.fixture
def working_cache(empty_server: RedisServer, clock: FakeMonotonicClock) -> Iterator[Cache]:
    """A cache whose server is never unavailable."""
    with shared_cache(empty_server.url, "shop", clock, PATIENT) as cache:
        yield cache


class TestRedisCache(CacheContract):
    @pytest.fixture
    def cache(self, working_cache: Cache) -> Cache:
        return working_cache


@pytest.fixture(scope="module")
def clusters() -> Iterator[Callable[[str], RedisCluster]]:
    """Start one cluster of each kind. Tests leave it whole, with every slot in its place."""
    with ExitStack() as opened:
        yield cached(lambda kind: opened.enter_context(run_redis_cluster(kind)))


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
        with shared_cache(cluster.url, "shop", clock, PATIENT) as cache:
            cache.clear()
            yield cache


def shows(cache: Cache, key: str = "/egg") -> bool:
    """Whether the cache keeps what it is given."""
    cache.set(key, EGG_ENTRY)
    return cache.get(key) == EGG_ENTRY


def test_keys_are_the_caches_own_and_end_with_their_answers(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    working_cache.set("/egg?a=b", EGG_ENTRY)
    with empty_server.client as client:
        assert client.keys() == [b"eggypro:shop:/egg?a=b"]
        left = client.pttl("eggypro:shop:/egg?a=b")
    assert 200_000 < left <= 300_250


def test_connecting_stores_nothing(server: RedisServer, clock: FakeMonotonicClock) -> None:
    with (
        server.client as client,
        shared_cache(server.url, "shop", clock, PATIENT),
        closing(RedisConnection(server.url, PATIENT)) as link,
    ):
        link.reconnect()
        assert measure_entries(link) == SharedCounts(0, 0)
        assert client.keys() == []
        assert client.info("persistence")["rdb_changes_since_last_save"] == 0


def test_a_reply_that_is_awaited_outlives_a_renewal(server: RedisServer) -> None:
    with (
        closing(RedisConnection(server.url, PATIENT)) as link,
        server.client as client,
        ThreadPoolExecutor(1) as threads,
    ):
        reply = threads.submit(link.client.blpop, ["list"], 0)
        wait_until(lambda: client.info("clients")["blocked_clients"])
        link.reconnect()
        client.lpush("list", "x")
        assert reply.result() == (b"list", b"x")


def test_shops_that_show_the_same_otherwise_do_not_share(
    working_cache: Cache, empty_server: RedisServer, clock: FakeMonotonicClock
) -> None:
    with (
        shared_cache(empty_server.url, "shop", clock, PATIENT) as same,
        shared_cache(empty_server.url, "other", clock, PATIENT) as other,
    ):
        working_cache.set("/egg", EGG_ENTRY)
        assert [same.get("/egg"), other.get("/egg")] == [EGG_ENTRY, None]


def test_clearing_leaves_what_is_not_the_caches(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    others = {b"eggypro", b"eggypro-limits:a", b"theirs:eggypro:a", b"Eggypro:a"}
    with empty_server.client as client:
        for name in others:
            client.set(name, "x")
        client.set("eggypro:other:a", "x")
        client.lpush("eggypro:list", "x")
        working_cache.set("/egg", EGG_ENTRY)
        working_cache.clear()
        assert set(client.keys()) == others


def test_it_tells_how_many_answers_there_are_and_what_they_weigh(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    with closing(RedisConnection(empty_server.url, PATIENT)) as link, empty_server.client as client:
        for number in range(250):
            working_cache.set(f"/{number}", LARGE)
        client.set("theirs", "x" * 100_000)
        counts = measure_entries(link)
        assert counts.kept == 250
        assert 250 * 3_000 < counts.bytes < 250 * 5_000
        assert (clear_entries(link), client.keys()) == (250, [b"theirs"])


WHOLE = encode_entry(EGG_ENTRY)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x",
        b"\x00" * 40,
        WHOLE[:-1],
        WHOLE[:7],
        WHOLE[:20],
        WHOLE + b"x",
        b"\x00" + WHOLE[1:],
        b"\x02" + WHOLE[1:],
        WHOLE[:30] + b"?" + WHOLE[31:],
        b"[1, 2]",
    ],
)
def test_what_cannot_be_read_is_not_there_and_goes(
    working_cache: Cache, empty_server: RedisServer, value: bytes
) -> None:
    with empty_server.client as client:
        client.set("eggypro:shop:/egg", value)
        assert working_cache.get("/egg") is None
        assert client.keys() == []
    assert shows(working_cache)


def test_every_part_of_a_value_counts() -> None:
    assert decode_entry(WHOLE) == EGG_ENTRY
    for place in range(len(WHOLE)):
        assert decode_entry(WHOLE[:place]) is None
        mended = bytearray(WHOLE)
        mended[place] ^= 1
        if place not in {5, 6}:  # where the body begins
            assert decode_entry(bytes(mended)) is None


def test_what_is_of_another_type_under_a_key_of_its_own_goes(
    working_cache: Cache, empty_server: RedisServer
) -> None:
    with empty_server.client as client:
        client.lpush("eggypro:shop:/egg", "x")
        assert working_cache.get("/egg") is None
        assert client.keys() == []
        client.lpush("eggypro:shop:/egg", "x")
    assert shows(working_cache)


@contextmanager
def one_outage(cache: Cache, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """While the block lasts nothing is kept and nothing is raised; then all is as it was.

    Each is told once.
    """
    caplog.set_level(logging.INFO)
    assert shows(cache)
    yield
    wait_until(lambda: shows(cache))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def nothing_is_kept(cache: Cache) -> bool:
    cache.set("/milk", EGG_ENTRY)
    cache.delete("/salt")
    cache.clear()
    return cache.get("/milk") is None


def test_a_server_that_is_gone_and_comes_back_empty(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with one_outage(cache, caplog):
        server.kill()
        assert nothing_is_kept(cache)
        assert cache.get("/egg") is None
        server.start()


def test_a_server_that_is_restarted_while_nobody_asks_is_not_missed(
    cache: Cache, server: RedisServer
) -> None:
    assert shows(cache)
    server.kill()
    server.start()
    wait_until(lambda: shows(cache))


def test_a_server_that_is_emptied_has_nothing(cache: Cache, server: RedisServer) -> None:
    assert shows(cache)
    with server.client as client:
        client.flushall()
    assert cache.get("/egg") is None
    assert shows(cache)


def test_a_server_that_is_away_at_the_start_is_found_when_it_comes(
    server: RedisServer, clock: FakeMonotonicClock
) -> None:
    server.kill()
    with shared_cache(server.url, "shop", clock, PATIENT) as cache:
        assert nothing_is_kept(cache)
        server.start()
        wait_until(lambda: shows(cache))


def test_a_server_that_hangs_keeps_those_waiting_who_are_there_and_nobody_else(
    clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    """All of them in turn would wait for a hundred seconds."""
    with (
        run_redis("valkey") as server,
        shared_cache(server.url, "shop", clock, 2) as cache,
        ThreadPoolExecutor(8) as threads,
        one_outage(cache, caplog),
    ):
        server.freeze()
        began = monotonic()
        assert [*threads.map(cache.get, ["/egg"] * 400)] == [None] * 400
        assert monotonic() - began < 50
        server.unfreeze()


def test_an_address_cannot_make_anybody_wait(
    server: RedisServer, clock: FakeMonotonicClock
) -> None:
    url = f"{server.url}?socket_timeout=60&retry_on_timeout=yes&decode_responses=yes"
    with shared_cache(url, "shop", clock) as cache:
        wait_until(lambda: shows(cache))
        server.freeze()
        began = monotonic()
        assert cache.get("/egg") is None
        assert monotonic() - began < 30


def test_a_server_that_is_full(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with one_outage(cache, caplog), server.client as client:
        client.config_set("maxmemory", 1)
        assert nothing_is_kept(cache)
        client.config_set("maxmemory", 0)


def test_a_server_that_is_only_a_replica(
    cache: Cache, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    with one_outage(cache, caplog), server.client as client:
        client.replicaof("127.0.0.1", 1)
        assert nothing_is_kept(cache)
        client.replicaof("NO", "ONE")


def test_a_server_that_wants_another_password(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with server.client as client:
        client.config_set("requirepass", "right")
        url = server.url.replace("unix://", "unix://:wrong@")
        with shared_cache(url, "shop", clock, PATIENT) as cache:
            assert nothing_is_kept(cache)
            client.config_set("requirepass", "wrong")
            wait_until(lambda: shows(cache))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "wrong" not in caplog.records[0].getMessage().replace("WRONGPASS", "")


def test_connections_that_are_cut(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with run_proxy(f"{server.folder}/socket") as wire:
        url = f"redis://127.0.0.1:{wire.port}"
        with shared_cache(url, "shop", clock, PATIENT) as cache, one_outage(cache, caplog):
            wire.disconnect()
            assert nothing_is_kept(cache)
            wire.reconnect()


def test_replies_that_break_off(
    server: RedisServer, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with run_proxy(f"{server.folder}/socket") as wire:
        url = f"redis://127.0.0.1:{wire.port}"
        with shared_cache(url, "shop", clock, PATIENT) as cache, one_outage(cache, caplog):
            cache.set("/egg", LARGE)
            wire.truncate_replies(1_000)
            assert cache.get("/egg") is None
            wire.truncate_replies(None)


def test_who_asks_for_more_than_answers_is_told_that_it_is_away(server: RedisServer) -> None:
    server.kill()
    with closing(RedisConnection(server.url, PATIENT)) as link:
        for question in (clear_entries, measure_entries):
            with pytest.raises(UnavailableError):
                question(link)


def test_a_cluster_that_hangs_keeps_nobody_waiting_for_each_of_its_nodes(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        shared_cache(valkey_cluster.url, "shop", clock, 2) as cache,
        one_outage(cache, caplog),
        valkey_cluster.frozen(),
    ):
        began = monotonic()
        assert cache.get("/egg") is None
        assert monotonic() - began < 2 * len(valkey_cluster.nodes)


def test_a_cluster_that_is_away_at_the_start_is_found_when_it_comes(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with ExitStack() as opened:
        with valkey_cluster.frozen():
            cache = opened.enter_context(shared_cache(valkey_cluster.url, "shop", clock, 0.5))
            assert nothing_is_kept(cache)
        wait_until(lambda: shows(cache))


EVERYWHERE = [f"/{number}" for number in range(30)]
"""Keys of which every node of a cluster has some."""


def shows_everywhere(cache: Cache) -> bool:
    return all(shows(cache, key) for key in EVERYWHERE)


def test_a_node_of_a_cluster_that_is_killed_costs_no_request_and_is_found_again(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    node = valkey_cluster.nodes[2]
    with shared_cache(valkey_cluster.url, "shop", clock, PATIENT) as cache:
        assert shows_everywhere(cache)
        node.kill()
        assert all(cache.get(key) in (None, EGG_ENTRY) for key in EVERYWHERE)
        assert not shows_everywhere(cache)
        node.start()
        wait_until(lambda: shows_everywhere(cache))
    wait_until(valkey_cluster.is_whole)


def test_a_replica_that_takes_over_in_a_cluster_is_found(clock: FakeMonotonicClock) -> None:
    with (
        run_redis_cluster("valkey") as cluster,
        cluster.run_replica("valkey") as replica,
        shared_cache(cluster.url, "shop", clock, PATIENT) as cache,
    ):
        assert shows_everywhere(cache)
        cluster.nodes[2].kill()
        assert all(cache.get(key) in (None, EGG_ENTRY) for key in EVERYWHERE)
        with replica.client as client:
            client.execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        wait_until(lambda: shows_everywhere(cache))


def test_slots_that_move_to_another_node_of_a_cluster_are_followed(
    valkey_cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with shared_cache(valkey_cluster.url, "shop", clock, PATIENT) as cache:
        for node in (0, 2):
            assert shows_everywhere(cache)
            cache.clear()
            valkey_cluster.move_slots(of=2, to=node)
            assert not any(cache.get(key) for key in EVERYWHERE)
            wait_until(lambda: shows_everywhere(cache))


def test_clearing_a_cluster_leaves_what_is_not_the_caches(
    cluster: RedisCluster, clock: FakeMonotonicClock
) -> None:
    with (
        shared_cache(cluster.url, "shop", clock, PATIENT) as cache,
        closing(RedisConnection(cluster.url, PATIENT)) as link,
    ):
        for number in range(30):
            assert shows(cache, f"/{number}")
            link.client.set(f"theirs:{number}", "x")
        assert measure_entries(link).kept >= 30
        cache.clear()
    assert cluster.keys() == {f"theirs:{number}".encode() for number in range(30)}
