"""Lost connections: killed one by one under load, interrupted by signals, or hanging."""

import os
import socket
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres.connection import Connection, driver_connection
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.errors import UnavailableError
from tests.support.tcp_proxy import TcpProxy, run_proxy

Connect = Callable[..., Database]
KILL_COUNT = 25
_KILL_ONE = """
    SELECT count(pg_terminate_backend(pid, 1000)) FROM (
        SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        ORDER BY random() LIMIT 1
    ) AS victim
"""


def through_proxy(url: sa.URL, proxy: TcpProxy) -> sa.URL:
    """Return the URL of the same database behind a proxy, with the shortest timeout of libpq."""
    query = {"connect_timeout": "2"}
    return url.set(host="127.0.0.1", port=proxy.port, query=query)


def kill_one_by_one(url: sa.URL, finished: Event) -> None:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for _ in range(KILL_COUNT):
                connection.execute(_KILL_ONE)
    finally:
        finished.set()


def test_killed_connections_fail_no_read_and_repeat_no_write(
    database: Database, database_url: sa.URL
) -> None:
    store, finished = PostgresProductStore(database), Event()
    slug = store.create(make_draft(), NOON).slug

    def read() -> int:
        count = 0
        while not finished.is_set() or count <= KILL_COUNT:
            assert store.get(slug).slug == slug
            count += 1
        return count

    def write() -> Counter[bool]:
        outcomes: Counter[bool] = Counter()
        while not finished.is_set():
            try:
                store.adjust_stock(slug, 1)
            except UnavailableError:
                outcomes[False] += 1
            else:
                outcomes[True] += 1
        return outcomes

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write) for _ in range(2)]
        pool.submit(kill_one_by_one, database_url, finished).result()
    outcomes = writers[0].result() + writers[1].result()
    assert all(reader.result() > KILL_COUNT for reader in readers)
    assert outcomes[True] <= store.get(slug).stock_quantity <= outcomes.total()


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit(143)])
@pytest.mark.parametrize("open_block", [Database.snapshot, Database.long_transaction])
def test_signal_in_the_middle_of_a_response_closes_the_connection(
    database: Database,
    open_block: Callable[[Database], AbstractContextManager[object]],
    interrupt: BaseException,
) -> None:
    connections: list[psycopg.Connection[object]] = []
    sa.event.listen(
        database.engine, "checkout", lambda connection, *_: connections.append(connection)
    )

    def work() -> None:
        with open_block(database):
            connections[0].pgconn.send_query(b"SELECT 1")
            raise interrupt

    with pytest.raises(type(interrupt)):
        work()
    assert connections[0].closed
    database.ping()


def test_write_is_not_retried_after_commit_without_response(database: Database) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(), NOON).slug
    before = store.adjust_stock(slug, 1)

    def lose(connection: sa.Connection) -> None:
        driver = driver_connection(connection.connection)
        driver.commit()
        driver.execute("SELECT 1")  # begins a transaction, so that the next commit is sent
        with socket.socket(fileno=os.dup(driver.fileno())) as driver_socket:
            driver_socket.shutdown(socket.SHUT_RDWR)

    sa.event.listen(database.engine, "commit", lose)
    with pytest.raises(UnavailableError):
        store.adjust_stock(slug, 1)
    assert store.get(slug).stock_quantity == before + 1


def test_first_request_after_network_failure_succeeds(
    database_url: sa.URL, connect_database: Connect
) -> None:
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as proxy:
        store = PostgresProductStore(connect_database(through_proxy(database_url, proxy), size=2))
        slug = store.create(make_draft(), NOON).slug
        proxy.disconnect()
        for work in (lambda: store.get(slug), lambda: store.adjust_stock(slug, 1)):
            try:
                work()
            except UnavailableError:
                continue
            raise AssertionError(work)
        proxy.reconnect()
        assert store.get(slug).stock_quantity + 1 == store.adjust_stock(slug, 1)


def test_read_succeeds_if_all_idle_connections_are_lost(
    database_url: sa.URL, connect_database: Connect
) -> None:
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as proxy:
        database = connect_database(through_proxy(database_url, proxy), size=8)
        connections = [database.engine.raw_connection() for _ in range(8)]
        for connection in connections:
            connection.close()
        proxy.forget_connections()
        database.ping()


@pytest.mark.parametrize("method", ["short_transaction", "long_transaction"])
def test_write_without_response_raises_unavailable_error(
    database_url: sa.URL, connect_database: Connect, method: str
) -> None:
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as proxy:
        database = connect_database(through_proxy(database_url, proxy), size=1)

        def write() -> None:
            with getattr(database, method)() as connection:
                driver_connection(connection.connection).response_timeout = 0.1
                proxy.freeze()
                connection.execute(sa.text("SELECT 1"))

        with pytest.raises(UnavailableError, match="does not respond"):
            write()
        proxy.unfreeze()
        database.ping()


def test_export_without_response_raises_unavailable_error(
    database_url: sa.URL, connect_database: Connect
) -> None:
    numbers = CompiledStatement.compile(sa.text("SELECT generate_series(1, 1000)"))
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as proxy:
        database = connect_database(through_proxy(database_url, proxy))

        def set_timeout(connection: Connection, *_: object) -> None:
            connection.response_timeout = 0.1

        sa.event.listen(database.engine, "checkout", set_timeout)

        def export() -> None:
            with database.snapshot() as select:
                rows = select(numbers, {})
                next(rows)
                proxy.freeze()
                list(rows)

        with pytest.raises(UnavailableError, match="does not respond"):
            export()


def test_long_statement_goes_on_while_the_server_accepts_or_refuses_connections(
    postgres: sa.URL, direct_database_url: sa.URL, connect_database: Connect
) -> None:
    holder = connect_database(direct_database_url)
    with run_proxy(f"{direct_database_url.query['host']}/.s.PGSQL.5432") as proxy:
        database = connect_database(through_proxy(direct_database_url, proxy), size=1)

        def wait_for_import() -> None:
            with database.long_transaction() as connection:
                driver_connection(connection.connection).response_timeout = 0.01
                wait_for_lock(connection, IMPORT_LOCK)

        def wait_for_connections(number: int) -> None:
            expected = proxy.connection_count + number
            wait_until(lambda: waiting.done() or proxy.connection_count > expected)

        with ThreadPoolExecutor(1) as thread:
            with holder.long_transaction() as connection:
                wait_for_lock(connection, IMPORT_LOCK)
                waiting = thread.submit(wait_for_import)
                wait_for_connections(3)
                refuse_connections(connect_database(postgres), direct_database_url)
                wait_for_connections(2)
            waiting.result()


def refuse_connections(server: Database, url: sa.URL) -> None:
    """Let Postgres refuse new connections to the database at a URL."""
    with server.engine.connect() as connection:
        connection.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
