"""Callers wait for a connection where the pool, a role or the server has no more of them."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, get_ident
from time import monotonic

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_for_event, wait_for_result, wait_until
from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.pool import MAX_IDLE_SECONDS
from eggypro_core.errors import UnavailableError
from tests.support.postgres_roles import connect_driver, create_role

Connect = Callable[..., Database]
SELECT_ONE = CompiledStatement.compile(sa.select(sa.literal_column("1")))
BRIEF_SLEEP = CompiledStatement.compile(sa.text("SELECT pg_sleep(0.02)"))


@contextmanager
def used_connections(url: sa.URL, count: int) -> Iterator[None]:
    """Use connections of the role from outside the pool, as soon as former ones are closed."""
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(wait_until(lambda: try_to_connect(url)))
        yield


def try_to_connect(url: sa.URL) -> psycopg.Connection[tuple[object, ...]] | None:
    with suppress(psycopg.OperationalError):
        return connect_driver(url)
    return None


def reads_after_waiting(database: Database, role: sa.URL) -> bool:
    """Return whether a read succeeds that begins while another process has the only connection."""
    with ThreadPoolExecutor(1) as reader:
        with used_connections(role, 1):
            result = reader.submit(database.fetch, SELECT_ONE, {})
            with pytest.raises(TimeoutError):
                result.result(timeout=0.3)
        return wait_for_result(result) == [(1,)]


def fast_clock() -> float:
    """Return a monotonic time that runs ten times as fast as real time."""
    return 10 * monotonic()


def connection_count(direct_database_url: sa.URL, role: str) -> int:
    with connect_driver(direct_database_url) as server:
        statement = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        [count] = server.execute(statement, [role]).fetchone() or [0]
    return int(str(count))


def test_many_readers_share_the_few_connections_of_a_role(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 2")
    database = connect_database(role, size=8)
    with ThreadPoolExecutor(16) as readers:
        results = list(readers.map(lambda _: database.fetch(BRIEF_SLEEP, {}), range(64)))
    assert len(results) == 64


def test_caller_waits_until_another_process_frees_a_connection(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 1")
    assert reads_after_waiting(connect_database(role, size=8, pool_timeout=30), role)


def test_caller_gives_up_after_the_timeout_and_is_told_the_limit(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 1")
    database = connect_database(role, size=8, pool_timeout=0.3)
    with used_connections(role, 1):
        start = monotonic()
        with pytest.raises(UnavailableError, match="connection limit of role") as raised:
            database.fetch(SELECT_ONE, {})
        assert 0.3 <= monotonic() - start < 10
    assert raised.value.retry_after


def test_broken_connection_does_not_occupy_the_limit(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 1")
    database = connect_database(role, size=8, pool_timeout=30)
    pooled = database.engine.raw_connection()
    driver_connection(pooled).close()
    pooled.invalidate()
    assert reads_after_waiting(database, role)


def test_transactions_leave_connections_for_reads(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    database = connect_database(direct_database_url, size=3, pool_timeout=0.2).with_share(2)
    release = Event()

    def hold() -> None:
        with database.short_transaction():
            wait_for_event(release)

    with ThreadPoolExecutor(2) as writers:
        for _ in range(2):
            writers.submit(hold)
        wait_until(lambda: database.busy_connection_count() == 2)
        with pytest.raises(UnavailableError, match="connections are busy") as raised:
            database.run_transaction(lambda _: None)
        assert raised.value.retry_after
        assert database.fetch(SELECT_ONE, {}) == [(1,)]
        with database.with_share(1).short_transaction():  # a share of its own
            pass
        release.set()
    database.run_transaction(lambda _: None)


def test_writer_that_has_waited_for_its_turn_waits_no_longer_for_a_connection(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 1")
    refusals: Counter[int] = Counter()

    def clock() -> float:
        refusals[get_ident()] += 1  # read at each refusal
        return monotonic()

    database = connect_database(role, size=8, pool_timeout=2, clock=clock).with_share(1)

    def write() -> int:
        with pytest.raises(UnavailableError):
            database.run_transaction(lambda _: None)
        return refusals[get_ident()]

    with used_connections(role, 1), ThreadPoolExecutor(2) as writers:
        first = writers.submit(write)
        wait_until(lambda: refusals.total() > 2)
        second = writers.submit(write)
        assert wait_for_result(second) < wait_for_result(first) / 2


def test_connections_that_nobody_uses_are_closed(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url)
    clock = FakeMonotonicClock()
    database = connect_database(role, size=3, clock=clock)
    for pooled in [database.engine.raw_connection() for _ in range(3)]:
        pooled.close()
    assert connection_count(direct_database_url, str(role.username)) == 3
    for _ in range(3):
        clock.now += MAX_IDLE_SECONDS - 1
        database.fetch(SELECT_ONE, {})
    wait_until(lambda: connection_count(direct_database_url, str(role.username)) == 1)
    assert database.fetch(SELECT_ONE, {}) == [(1,)]


def test_busy_process_leaves_connections_to_another(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    role = create_role(direct_database_url, options="LOGIN CONNECTION LIMIT 2")
    busy, other = (
        connect_database(role, size=8, pool_timeout=30, clock=fast_clock) for _ in range(2)
    )
    is_done = Event()

    def read_on() -> None:
        while not is_done.is_set():
            busy.fetch(BRIEF_SLEEP, {})

    with ThreadPoolExecutor(4) as readers:
        results = [readers.submit(read_on) for _ in range(4)]
        wait_until(lambda: connection_count(direct_database_url, str(role.username)) == 2)
        try:
            assert other.fetch(SELECT_ONE, {}) == [(1,)]
        finally:
            is_done.set()
    for result in results:
        result.result()
