from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.rate_counter import (
    LOGINS_POLICY,
    READS_POLICY,
    EndWindows,
    RateCounterContract,
)
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.memory import MemoryRateCounter
from eggypro_adapters.redis import shared_counter
from eggypro_adapters.redis.connection import RedisConnection
from eggypro_adapters.redis.counter import RedisCounter
from eggypro_adapters.redis.shared_counter import SharedCounter
from eggypro_core.access.rate_limiting import Policy, RateCounter, RateLimitStatus
from eggypro_core.errors import UnavailableError
from tests.support.redis_server import (
    BINARIES,
    RedisCluster,
    RedisServer,
    run_redis,
    run_redis_cluster,
)

PATIENT = 10
"""Seconds: a busy machine is not a server that is away."""
LAX = Policy("lax", 100, 900, is_exact=False)


@pytest.fixture(params=BINARIES)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with run_redis(request.param) as started:
        yield started


@pytest.fixture
def remote(server: RedisServer) -> Iterator[RedisCounter]:
    with closing(RedisConnection(server.url, PATIENT)) as link:
        yield RedisCounter(link)


@pytest.fixture
def workers(server: RedisServer) -> Iterator[tuple[RateCounter, RateCounter]]:
    """The counters of two workers that share a server."""
    with ExitStack() as opened:
        one, two = (
            opened.enter_context(shared_counter(server.url, MemoryRateCounter(monotonic), PATIENT))
            for _ in range(2)
        )
        yield one, two


class OfRedis(RateCounterContract):
    @pytest.fixture
    def end_windows(self, server: RedisServer) -> EndWindows:
        """Have the server see the end of all windows."""

        def end() -> None:
            with server.client as client:
                for key in list(client.scan_iter()):
                    assert client.pttl(key) > 0
                    client.pexpire(key, 1)
                wait_until(lambda: not client.keys())

        return end


class TestRedisCounter(OfRedis):
    @pytest.fixture
    def counter(self, remote: RedisCounter) -> RateCounter:
        return remote


class TestSharedCounter(OfRedis):
    @pytest.fixture
    def counter(self, workers: tuple[RateCounter, RateCounter]) -> RateCounter:
        return workers[0]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with run_redis_cluster("valkey") as started:
        yield started


class TestRedisClusterCounter(RateCounterContract):
    @pytest.fixture
    def counter(self, cluster: RedisCluster) -> Iterator[RateCounter]:
        for node in cluster.nodes:
            with node.client as client:
                client.flushall()
        with shared_counter(cluster.url, MemoryRateCounter(monotonic), PATIENT) as counter:
            yield counter

    @pytest.fixture
    def end_windows(self, cluster: RedisCluster) -> EndWindows:
        def end() -> None:
            assert cluster.keys()
            for node in cluster.nodes:
                with node.client as client:
                    for key in list(client.scan_iter()):
                        client.pexpire(key, 1)
            wait_until(lambda: not cluster.keys())

        return end


def play(counter: RateCounter, verb: str, policy: Policy, client: str, times: int) -> int:
    """Do a thing with a counter, and say how many are used then."""
    if verb == "add":
        return counter.increment(policy, client, count=times).used
    if verb == "clear":
        counter.reset(policy, client)
    return counter.get(policy, client).used


def test_redis_and_memory_count_alike(remote: RedisCounter, server: RedisServer) -> None:
    step = st.tuples(
        st.sampled_from(["add", "read", "clear"]),
        st.sampled_from([READS_POLICY, LOGINS_POLICY]),
        st.sampled_from("ab"),
        st.integers(1, 3),
    )

    @given(st.lists(step, max_size=20))
    def alike(steps: list[tuple[str, Policy, str, int]]) -> None:
        with server.client as client:
            client.flushall()
        memory = MemoryRateCounter(FakeMonotonicClock())
        for verb, policy, client, times in steps:
            assert play(remote, verb, policy, client, times) == play(
                memory, verb, policy, client, times
            )

    alike()


def test_all_keys_are_the_limiters_own(remote: RedisCounter, server: RedisServer) -> None:
    remote.increment(LOGINS_POLICY, "2001:db8::/64")
    with server.client as client:
        assert client.keys() == [b"eggypro-limits:logins:900:2001:db8::/64"]


def test_what_is_left_of_a_window_is_what_redis_says(
    remote: RedisCounter, server: RedisServer
) -> None:
    remote.increment(LOGINS_POLICY, "ada")
    with server.client as client:
        client.pexpire("eggypro-limits:logins:900:ada", 400_500)
    for standing in (remote.get(LOGINS_POLICY, "ada"), remote.increment(LOGINS_POLICY, "ada")):
        assert 300 < standing.seconds_left <= 400.5


class Interrupted(MemoryRateCounter):
    """Has something happen before it says what it counted."""

    happens: Callable[[], object]

    def ping(self) -> None:
        pass

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:
        standing = super().increment(policy, client, count=count)
        self.happens()
        return standing


def test_what_comes_while_others_are_settled_is_not_forgotten() -> None:
    remote = Interrupted(FakeMonotonicClock())
    counter = SharedCounter(remote, MemoryRateCounter(FakeMonotonicClock()))
    counter._loop.stop()  # nobody else settles
    remote.happens = lambda: counter.increment(LAX, "ada")
    remote.set_status("ada", RateLimitStatus(LAX, 10, 900))
    counter.increment(LAX, "ada", count=3)
    counter._settle()
    assert counter.get(LAX, "ada").used == 14


def test_what_is_wrong_with_redis_makes_it_unavailable(
    remote: RedisCounter, server: RedisServer
) -> None:
    with server.client as client:
        client.lpush("eggypro-limits:logins:900:ada", "no number")
    with pytest.raises(UnavailableError, match="WRONGTYPE"):
        remote.increment(LOGINS_POLICY, "ada")
    server.kill()
    for question in (remote.increment, remote.get, remote.reset):
        with pytest.raises(UnavailableError):
            question(LOGINS_POLICY, "ada")


def test_what_an_address_says_does_not_make_anybody_wait(server: RedisServer) -> None:
    link = RedisConnection(f"{server.url}?socket_timeout=600&retry_on_timeout=yes")
    remote = RedisCounter(link)
    server.freeze()
    began = monotonic()
    with pytest.raises(UnavailableError):
        remote.increment(LOGINS_POLICY, "ada")
    assert monotonic() - began < 30
    link.close()


def test_an_exact_count_is_the_same_for_all_workers_at_once(
    workers: tuple[RateCounter, RateCounter],
) -> None:
    one, two = workers
    assert [each.increment(LOGINS_POLICY, "ada").used for each in (one, two, one)] == [1, 2, 3]
    assert two.get(LOGINS_POLICY, "ada").used == 3
    two.reset(LOGINS_POLICY, "ada")
    assert one.get(LOGINS_POLICY, "ada").used == 0


def test_any_other_count_is_soon_the_same_for_who_asks(
    workers: tuple[RateCounter, RateCounter], server: RedisServer
) -> None:
    one, two = workers
    with server.client as client:
        for worker, settled in ((one, b"5"), (two, b"10"), (one, b"15")):
            for _ in range(5):
                worker.increment(LAX, "ada")
            wait_until(lambda: client.get("eggypro-limits:lax:900:ada") == settled)  # noqa: B023
    wait_until(lambda: one.get(LAX, "ada").used == 15)
    assert two.increment(LAX, "ada").used >= 6
    wait_until(lambda: two.get(LAX, "ada").used == 16)


def test_without_redis_each_worker_counts_on_from_what_it_knew(
    workers: tuple[RateCounter, RateCounter], server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = workers
    one.increment(LOGINS_POLICY, "ada")
    assert two.increment(LOGINS_POLICY, "ada", count=2).used == 3
    server.kill()
    assert [two.increment(LOGINS_POLICY, "ada").used for _ in range(3)] == [4, 5, 6]
    assert two.get(LOGINS_POLICY, "ada").used == 6
    assert two.increment(LAX, "ada").used == 1
    assert one.increment(LOGINS_POLICY, "ada").used == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_a_server_that_hangs_keeps_the_first_waiting_and_nobody_else(
    server: RedisServer,
) -> None:
    """All of them would wait for two hundred seconds."""
    with shared_counter(server.url, MemoryRateCounter(monotonic), 1) as counter:
        server.freeze()
        began = monotonic()
        assert [counter.increment(LOGINS_POLICY, "ada").used for _ in range(200)] == [
            *range(1, 201)
        ]
        assert monotonic() - began < 50


def test_who_was_locked_while_redis_was_away_or_before_it_forgot_all_stays_so(
    workers: tuple[RateCounter, RateCounter], server: RedisServer
) -> None:
    one, two = workers
    one.increment(LOGINS_POLICY, "ada", count=4)
    server.kill()
    one.increment(LOGINS_POLICY, "ada")
    server.start()
    wait_until(lambda: two.get(LOGINS_POLICY, "ada").used == 5)
    wait_until(
        lambda: one.increment(LOGINS_POLICY, "ada").used == two.get(LOGINS_POLICY, "ada").used
    )
    assert two.increment(LOGINS_POLICY, "ada").used == one.get(LOGINS_POLICY, "ada").used > 6


def test_a_server_that_is_away_at_the_start_is_found_when_it_comes(server: RedisServer) -> None:
    server.kill()
    with shared_counter(server.url, MemoryRateCounter(monotonic), PATIENT) as counter:
        assert counter.increment(LOGINS_POLICY, "ada", count=3).used == 3
        server.start()
        with server.client as client:
            wait_until(lambda: client.keys() == [b"eggypro-limits:logins:900:ada"])


def test_what_is_counted_last_is_settled_at_the_end(server: RedisServer) -> None:
    with shared_counter(server.url, MemoryRateCounter(monotonic), PATIENT) as counter:
        counter.increment(LAX, "ada", count=3)
    with shared_counter(server.url, MemoryRateCounter(monotonic), PATIENT) as counter:
        counter.increment(LAX, "ada")
        wait_until(lambda: counter.get(LAX, "ada").used == 4)
