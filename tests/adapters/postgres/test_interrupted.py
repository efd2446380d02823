"""Connections that are ended one by one while the shop is at work, and a port that falls silent."""

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

from eggypro_adapters.contracts.product_store import NOON, make_draft
from eggypro_adapters.postgres.database import Database, driver_connection
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
    ) AS one
"""


def through_proxy(url: sa.URL, wire: TcpProxy) -> sa.URL:
    """The same database at the end of a wire."""
    return url.set(host="127.0.0.1", port=wire.port, query={})


def kill_one_by_one(url: sa.URL, over: Event) -> None:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with psycopg.connect(conninfo, autocommit=True) as connection:
            for _ in range(KILL_COUNT):
                connection.execute(_KILL_ONE)
    finally:
        over.set()


def test_while_connections_are_killed_no_read_fails_and_no_write_is_doubled(
    database: Database, database_url: sa.URL
) -> None:
    store, over = PostgresProductStore(database), Event()
    slug = store.create(make_draft(), NOON).slug

    def read() -> int:
        count = 0
        while not over.is_set() or count <= KILL_COUNT:
            assert store.get(slug).slug == slug
            count += 1
        return count

    def write() -> Counter[bool]:
        told: Counter[bool] = Counter()
        while not over.is_set():
            try:
                store.adjust_stock(slug, 1)
            except UnavailableError:
                told[False] += 1
            else:
                told[True] += 1
        return told

    with ThreadPoolExecutor() as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write) for _ in range(2)]
        pool.submit(kill_one_by_one, database_url, over).result()
    told = writers[0].result() + writers[1].result()
    assert all(reader.result() > KILL_COUNT for reader in readers)
    assert told[True] <= store.get(slug).stock_quantity <= told.total()


@pytest.mark.parametrize("signalled", [KeyboardInterrupt(), SystemExit(143)])
@pytest.mark.parametrize("opened", [Database.snapshot, Database.long_transaction])
def test_a_signal_in_the_middle_of_an_answer_is_what_ends_the_work(
    database: Database,
    opened: Callable[[Database], AbstractContextManager[object]],
    signalled: BaseException,
) -> None:
    taken: list[psycopg.Connection[object]] = []
    sa.event.listen(database.engine, "checkout", lambda one, *_: taken.append(one))

    def work() -> None:
        with opened(database):
            taken[0].pgconn.send_query(b"SELECT 1")
            raise signalled

    with pytest.raises(type(signalled)):
        work()
    assert taken[0].closed
    database.ping()


def test_a_write_whose_commit_got_no_answer_is_not_done_again(database: Database) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(), NOON).slug
    before = store.adjust_stock(slug, 1)

    def lose(connection: sa.Connection) -> None:
        line = driver_connection(connection.connection)
        line.commit()
        line.execute("SELECT 1")  # begins another, so that the commit that follows is sent
        with socket.socket(fileno=os.dup(line.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)

    sa.event.listen(database.engine, "commit", lose)
    with pytest.raises(UnavailableError):
        store.adjust_stock(slug, 1)
    assert store.get(slug).stock_quantity == before + 1


def test_after_the_port_was_silent_the_first_who_asks_is_answered(
    database_url: sa.URL, connect_database: Connect
) -> None:
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as wire:
        store = PostgresProductStore(connect_database(through_proxy(database_url, wire), size=2))
        slug = store.create(make_draft(), NOON).slug
        wire.disconnect()
        for work in (lambda: store.get(slug), lambda: store.adjust_stock(slug, 1)):
            try:
                work()
            except UnavailableError:
                continue
            raise AssertionError(work)
        wire.reconnect()
        assert store.get(slug).stock_quantity + 1 == store.adjust_stock(slug, 1)


@pytest.mark.parametrize("method", ["short_transaction", "long_transaction"])
def test_a_write_that_gets_no_answer_is_refused_as_if_the_server_had_hung_up(
    database_url: sa.URL, connect_database: Connect, method: str
) -> None:
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as wire:
        database = connect_database(through_proxy(database_url, wire), size=1)

        def write() -> None:
            with getattr(database, method)() as connection:
                driver_connection(connection.connection).response_timeout = 0.1
                wire.freeze()
                connection.execute(sa.text("SELECT 1"))

        with pytest.raises(UnavailableError):
            write()
        wire.unfreeze()
        database.ping()
