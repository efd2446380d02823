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
from eggypro_adapters.redis import shared_rate_counter
from eggypro_adapters.redis.connection import RedisConnection
from eggypro_adapters.redis.counter import RedisRateCounter
from eggypro_adapters.redis.shared_counter import SharedRateCounter
from eggypro_core.access.rate_limiting import RateCounter, RateLimitPolicy, RateLimitStatus
from eggypro_core.errors import UnavailableError
from tests.support.redis_server import (
    BINARIES,
    RedisCluster,
    RedisServer,
    run_redis,
    run_redis_cluster,
)

TIMEOUT_SECONDS = 10
"""Long enough that a busy test machine does not look like an outage."""
INEXACT_POLICY = RateLimitPolicy("lax", 100, 900, is_exact=False)


@pytest.fixture(params=BINARIES)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with run_redis(request.param) as server:
        yield server


@pytest.fixture
def remote(server: RedisServer) -> Iterator[RedisRateCounter]:
    with closing(RedisConnection(server.url, TIMEOUT_SECONDS)) as connection:
        yield RedisRateCounter(connection)


@pytest.fixture
def workers(server: RedisServer) -> Iterator[tuple[RateCounter, RateCounter]]:
    """The counters of two workers that share a server."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(
                shared_rate_counter(server.url, MemoryRateCounter(monotonic), TIMEOUT_SECONDS)
            )
            for _ in range(2)
        )
        yield first, second


class RedisContract(RateCounterContract):
    @pytest.fixture
    def end_windows(self, server: RedisServer) -> EndWindows:
        """Return a function that makes the server expire all windows."""

        def end() -> None:
            with server.client as client:
                for key in list(client.scan_iter()):
                    assert client.pttl(key) > 0
                    client.pexpire(key, 1)
                wait_until(lambda: not client.keys())

        return end


class TestRedisCounter(RedisContract):
    @pytest.fixture
    def counter(self, remote: RedisRateCounter) -> RateCounter:
        return remote


class TestSharedCounter(RedisContract):
    @pytest.fixture
    def counter(self, workers: tuple[RateCounter, RateCounter]) -> RateCounter:
        return workers[0]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    with run_redis_cluster("valkey") as server:
        yield server


class TestRedisClusterCounter(RateCounterContract):
    @pytest.fixture
    def counter(self, cluster: RedisCluster) -> Iterator[RateCounter]:
        for node in cluster.nodes:
            with node.client as client:
                client.flushall()
        with shared_rate_counter(
            cluster.url, MemoryRateCounter(monotonic), TIMEOUT_SECONDS
        ) as counter:
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


def perform(
    counter: RateCounter, operation: str, policy: RateLimitPolicy, client: str, count: int
) -> int:
    """Perform an operation and return the count afterwards."""
    if operation == "add":
        return counter.increment(policy, client, count=count).used
    if operation == "clear":
        counter.reset(policy, client)
    return counter.get(policy, client).used


def test_redis_and_memory_counters_agree(remote: RedisRateCounter, server: RedisServer) -> None:
    step = st.tuples(
        st.sampled_from(["add", "read", "clear"]),
        st.sampled_from([READS_POLICY, LOGINS_POLICY]),
        st.sampled_from("ab"),
        st.integers(1, 3),
    )

    @given(st.lists(step, max_size=20))
    def check(steps: list[tuple[str, RateLimitPolicy, str, int]]) -> None:
        with server.client as client:
            client.flushall()
        memory = MemoryRateCounter(FakeMonotonicClock())
        for operation, policy, client, count in steps:
            assert perform(remote, operation, policy, client, count) == perform(
                memory, operation, policy, client, count
            )

    check()


def test_keys_have_the_prefix_of_the_counter(remote: RedisRateCounter, server: RedisServer) -> None:
    remote.increment(LOGINS_POLICY, "2001:db8::/64")
    with server.client as client:
        assert client.keys() == [b"eggypro:limits:logins:900:2001:db8::/64"]


def test_seconds_left_is_the_ttl_of_the_key(remote: RedisRateCounter, server: RedisServer) -> None:
    remote.increment(LOGINS_POLICY, "ada")
    with server.client as client:
        client.pexpire("eggypro:limits:logins:900:ada", 400_500)
    for status in (remote.get(LOGINS_POLICY, "ada"), remote.increment(LOGINS_POLICY, "ada")):
        assert 300 < status.seconds_left <= 400.5


class InterruptedCounter(MemoryRateCounter):
    """A counter that calls `on_increment` before it returns."""

    on_increment: Callable[[], object]

    def ping(self) -> None:
        pass

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:
        status = super().increment(policy, client, count=count)
        self.on_increment()
        return status


def test_counts_during_a_flush_are_not_lost() -> None:
    remote = InterruptedCounter(FakeMonotonicClock())
    counter = SharedRateCounter(remote, MemoryRateCounter(FakeMonotonicClock()))
    counter._loop.stop()  # only the test flushes
    remote.on_increment = lambda: counter.increment(INEXACT_POLICY, "ada")
    remote.set_status("ada", RateLimitStatus(INEXACT_POLICY, 10, 900))
    counter.increment(INEXACT_POLICY, "ada", count=3)
    counter._flush()
    assert counter.get(INEXACT_POLICY, "ada").used == 14


def test_redis_errors_raise_unavailable_error(
    remote: RedisRateCounter, server: RedisServer
) -> None:
    with server.client as client:
        client.lpush("eggypro:limits:logins:900:ada", "no number")
    with pytest.raises(UnavailableError, match="WRONGTYPE"):
        remote.increment(LOGINS_POLICY, "ada")
    server.kill()
    for operation in (remote.increment, remote.get, remote.reset):
        with pytest.raises(UnavailableError):
            operation(LOGINS_POLICY, "ada")


def test_url_parameters_cannot_override_the_timeout(server: RedisServer) -> None:
    connection = RedisConnection(f"{server.url}?socket_timeout=600&retry_on_timeout=yes")
    remote = RedisRateCounter(connection)
    server.freeze()
    start = monotonic()
    with pytest.raises(UnavailableError):
        remote.increment(LOGINS_POLICY, "ada")
    assert monotonic() - start < 30
    connection.close()


def test_exact_counts_are_shared_at_once(
    workers: tuple[RateCounter, RateCounter],
) -> None:
    first, second = workers
    assert [worker.increment(LOGINS_POLICY, "ada").used for worker in (first, second, first)] == [
        1,
        2,
        3,
    ]
    assert second.get(LOGINS_POLICY, "ada").used == 3
    second.reset(LOGINS_POLICY, "ada")
    assert first.get(LOGINS_POLICY, "ada").used == 0


def test_inexact_counts_are_shared_soon(
    workers: tuple[RateCounter, RateCounter], server: RedisServer
) -> None:
    first, second = workers
    with server.client as client:
        for worker, total in ((first, b"5"), (second, b"10"), (first, b"15")):
            for _ in range(5):
                worker.increment(INEXACT_POLICY, "ada")
            wait_until(lambda: client.get("eggypro:limits:lax:900:ada") == total)  # noqa: B023
    wait_until(lambda: first.get(INEXACT_POLICY, "ada").used == 15)
    assert second.increment(INEXACT_POLICY, "ada").used >= 6
    wait_until(lambda: second.get(INEXACT_POLICY, "ada").used == 16)


def test_workers_continue_from_their_local_counts_without_redis(
    workers: tuple[RateCounter, RateCounter], server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = workers
    first.increment(LOGINS_POLICY, "ada")
    assert second.increment(LOGINS_POLICY, "ada", count=2).used == 3
    server.kill()
    assert [second.increment(LOGINS_POLICY, "ada").used for _ in range(3)] == [4, 5, 6]
    assert second.get(LOGINS_POLICY, "ada").used == 6
    assert second.increment(INEXACT_POLICY, "ada").used == 1
    assert first.increment(LOGINS_POLICY, "ada").used == 2
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_hanging_server_delays_only_the_first_request(
    server: RedisServer,
) -> None:
    """One after another, all of them would wait for 200 seconds."""
    with shared_rate_counter(server.url, MemoryRateCounter(monotonic), 1) as counter:
        server.freeze()
        start = monotonic()
        assert [counter.increment(LOGINS_POLICY, "ada").used for _ in range(200)] == [
            *range(1, 201)
        ]
        assert monotonic() - start < 50


def test_exact_counts_survive_an_outage_and_data_loss_of_redis(
    workers: tuple[RateCounter, RateCounter], server: RedisServer
) -> None:
    first, second = workers
    first.increment(LOGINS_POLICY, "ada", count=4)
    server.kill()
    first.increment(LOGINS_POLICY, "ada")
    server.start()
    wait_until(lambda: second.get(LOGINS_POLICY, "ada").used == 5)
    wait_until(
        lambda: first.increment(LOGINS_POLICY, "ada").used == second.get(LOGINS_POLICY, "ada").used
    )
    assert second.increment(LOGINS_POLICY, "ada").used == first.get(LOGINS_POLICY, "ada").used > 6


def test_counter_connects_later_to_a_server_that_is_down_at_the_start(server: RedisServer) -> None:
    server.kill()
    with shared_rate_counter(server.url, MemoryRateCounter(monotonic), TIMEOUT_SECONDS) as counter:
        assert counter.increment(LOGINS_POLICY, "ada", count=3).used == 3
        server.start()
        with server.client as client:
            wait_until(lambda: client.keys() == [b"eggypro:limits:logins:900:ada"])


def test_pending_counts_are_sent_on_exit(server: RedisServer) -> None:
    with shared_rate_counter(server.url, MemoryRateCounter(monotonic), TIMEOUT_SECONDS) as counter:
        counter.increment(INEXACT_POLICY, "ada", count=3)
    with shared_rate_counter(server.url, MemoryRateCounter(monotonic), TIMEOUT_SECONDS) as counter:
        counter.increment(INEXACT_POLICY, "ada")
        wait_until(lambda: counter.get(INEXACT_POLICY, "ada").used == 4)
