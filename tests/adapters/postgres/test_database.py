import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.product_store import NOON, make_draft
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import (
    MAX_ATTEMPTS,
    CompiledStatement,
    Database,
    detect_pooler,
    driver_connection,
)
from eggypro_adapters.postgres.errors import RETRYABLE_STATES
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.category import CategoryDraft, CategoryQuery
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import ConflictError, UnavailableError
from eggypro_core.validation.parameters import Status

Connect = Callable[..., Database]
SELECT_ONE = CompiledStatement.compile(sa.select(sa.literal_column("1")))


def sent_messages(database: Database, trace: Path, work: object) -> list[str]:
    """The messages that a piece of work makes the only connection send, by their names."""
    assert callable(work)
    pooled = database.engine.raw_connection()
    line = driver_connection(pooled).pgconn
    pooled.close()
    with trace.open("wb") as file:
        line.trace(file.fileno())
        try:
            work()
        finally:
            line.untrace()
    return re.findall(r"\tF\t\d+\t(\w+)", trace.read_text(errors="replace"))


def kill_all(url: sa.URL) -> None:
    """End every other connection to the database, and wait until they are gone."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}".encode())


@pytest.fixture
def one_connection(database_url: sa.URL, connect_database: Connect) -> Database:
    return connect_database(database_url, size=1, pool_timeout=0.1)


@pytest.mark.parametrize(
    "query",
    [
        ProductQuery(),
        ProductQuery(in_stock=True),
        ProductQuery(offset=3, limit=1),
    ],
)
def test_a_page_is_one_round_trip_without_a_transaction(
    one_connection: Database, tmp_path: Path, query: ProductQuery
) -> None:
    store = PostgresProductStore(one_connection)
    for _ in range(3):  # so often until psycopg has the statement prepared
        store.list(query)
    assert sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query)) == [
        "Bind",
        "Describe",
        "Execute",
        "Sync",
    ]


def test_a_ranked_search_is_two_round_trips_that_are_prepared(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    store.create(make_draft(), NOON)
    query = ProductQuery(search="egg")
    for _ in range(4):
        store.list(query)
    prepared = ["Bind", "Describe", "Execute", "Sync"]
    told = sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query))
    assert told == prepared * 2


def test_a_page_of_a_category_is_one_round_trip_and_planned_for_that_category(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    query = ProductQuery(category="none")
    for _ in range(3):
        store.list(query)
    assert sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query)) == [
        "Parse",
        "Bind",
        "Describe",
        "Execute",
        "Sync",
    ]


def test_categories_are_one_round_trip_without_a_transaction(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresCategoryStore(one_connection)
    store.create(CategoryDraft(name="Bars"), NOON)
    reads = (
        lambda: store.get("bars"),
        lambda: store.list(CategoryQuery()),
        lambda: store.list(CategoryQuery(parent="bars", status=Status.ALL)),
    )
    for read in reads:
        for _ in range(3):
            read()
        messages = sent_messages(one_connection, tmp_path / "trace", read)
        assert messages == ["Bind", "Describe", "Execute", "Sync"]


def test_a_product_is_one_round_trip_without_a_transaction(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    store.create(make_draft(), NOON)
    for _ in range(3):
        store.get("egg-white")
    messages = sent_messages(one_connection, tmp_path / "trace", lambda: store.get("egg-white"))
    assert messages == ["Bind", "Describe", "Execute", "Sync"]


def test_connections_that_the_server_ended_are_not_noticed_by_anyone(
    database: Database, database_url: sa.URL
) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft(), NOON)
    kill_all(database_url)
    assert store.get("egg-white").id
    kill_all(database_url)
    assert store.create(make_draft(), NOON).slug == "egg-white-2"


def test_a_server_that_ends_each_connection_at_once_is_said_to_be_unavailable(
    database: Database,
) -> None:
    def end(connection: psycopg.Connection[object], _: object) -> None:
        with suppress(psycopg.Error):
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    sa.event.listen(database.engine, "connect", end)
    store = PostgresProductStore(database)
    with pytest.raises(UnavailableError):
        store.create(make_draft(), NOON)
    with pytest.raises(UnavailableError):
        store.get("egg-white")


def test_a_connection_that_was_idle_too_long_is_replaced(
    database_url: sa.URL, connect_database: Connect
) -> None:
    now = [0.0]
    database = connect_database(database_url, size=1, clock=lambda: now[0])
    pid = CompiledStatement.compile(sa.text("SELECT pg_backend_pid()"))
    first = database.fetch(pid, {})
    now[0] += 30
    assert database.fetch(pid, {}) == first
    now[0] += 30.1
    assert database.fetch(pid, {}) != first


def test_a_read_that_loses_its_connection_is_tried_three_times(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text("CREATE SEQUENCE tries"))
    dying = "CASE WHEN nextval('tries') <= {} THEN pg_terminate_backend(pg_backend_pid()) END"

    def deadly(times: int) -> CompiledStatement:
        return CompiledStatement.compile(sa.text(f"SELECT {dying.format(times)}, pg_sleep(0.01)"))

    assert database.fetch(deadly(MAX_ATTEMPTS - 1), {})[0][0] is None
    with database.long_transaction() as connection:
        connection.execute(sa.text("ALTER SEQUENCE tries RESTART"))
    with pytest.raises(UnavailableError):
        database.fetch(deadly(MAX_ATTEMPTS), {})
    assert database.fetch(SELECT_ONE, {}) == [(1,)]


def colliding(state: str, times: int, attempts: list[int]) -> Callable[[sa.Connection], int]:
    """Work that is turned back so many times by an error of Postgres; it notes its attempts."""
    collision = sa.text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")

    def work(connection: sa.Connection) -> int:
        attempts.append(len(attempts) + 1)
        if attempts[-1] <= times:
            connection.execute(collision)
        return attempts[-1]

    return work


@pytest.mark.parametrize("state", sorted(RETRYABLE_STATES))
def test_a_write_is_retried_after_a_collision(database: Database, state: str) -> None:
    assert database.run_transaction(colliding(state, 1, [])) == 2
    assert database.run_transaction(colliding(state, MAX_ATTEMPTS - 1, [])) == MAX_ATTEMPTS
    attempts = list[int]()
    with pytest.raises(ConflictError):
        database.run_transaction(colliding(state, MAX_ATTEMPTS, attempts))
    assert len(attempts) == MAX_ATTEMPTS
    database.ping()


def test_a_database_that_is_away_is_said_to_be_unavailable(
    tmp_path: Path, connect_database: Connect
) -> None:
    away = connect_database(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    for work in (
        lambda: away.fetch(SELECT_ONE, {}),
        away.revision,
        lambda: away.long_transaction().__enter__(),
    ):
        with pytest.raises(UnavailableError):
            work()


def test_a_pool_that_is_used_up_is_said_to_be_unavailable(one_connection: Database) -> None:
    with one_connection.long_transaction(), pytest.raises(UnavailableError, match="busy"):
        one_connection.fetch(SELECT_ONE, {})
    assert one_connection.fetch(SELECT_ONE, {}) == [(1,)]


@pytest.mark.parametrize("by_the_driver", [True, False])
def test_a_server_that_falls_silent_within_a_write_is_said_to_be_unavailable(
    one_connection: Database, *, by_the_driver: bool
) -> None:
    def work(connection: sa.Connection) -> None:
        within = driver_connection(connection.connection)
        within.response_timeout = 0.05
        if by_the_driver:
            within.execute("SELECT pg_sleep(1)")
        connection.execute(sa.text("SELECT pg_sleep(1)"))

    with pytest.raises(UnavailableError, match="is unavailable"):
        one_connection.run_transaction(work)
    assert one_connection.busy_connection_count() == 0
    assert one_connection.fetch(SELECT_ONE, {}) == [(1,)]


def test_an_error_that_goes_on_as_it_is_shows_nothing_of_what_was_written(
    database: Database,
) -> None:
    wrong = sa.text("SELECT no_such_function(:comment)")
    with pytest.raises(sa.exc.ProgrammingError) as raised:
        database.run_transaction(
            lambda connection: connection.execute(wrong, {"comment": "private"})
        )
    assert "no_such_function" in str(raised.value)
    assert "private" not in str(raised.value)


def test_a_database_without_tables_says_what_to_do(
    empty_database_url: sa.URL, connect_database: Connect
) -> None:
    store = PostgresProductStore(connect_database(empty_database_url))
    with pytest.raises(UnavailableError, match="eggypro db upgrade"):
        store.get("egg-white")
    with pytest.raises(UnavailableError, match="eggypro db upgrade"):
        store.create(make_draft(), NOON)


def test_statements_end_after_five_seconds_and_times_are_utc(database: Database) -> None:
    shown = CompiledStatement.compile(
        sa.text("SELECT current_setting('statement_timeout'), current_setting('timezone')")
    )
    assert database.fetch(shown, {}) == [("5s", "UTC")]


def test_behind_a_pooler_nothing_is_prepared_nor_set(
    database_url: sa.URL, connect_database: Connect
) -> None:
    pooled = connect_database(database_url, pooler=lambda _: True)
    shown = CompiledStatement.compile(sa.text("SELECT current_setting('statement_timeout')"))
    assert pooled.fetch(shown, {}) == [("0",)]
    connection = pooled.engine.raw_connection()
    assert driver_connection(connection).prepare_threshold is None
    connection.close()


def test_a_direct_connection_is_not_taken_for_a_pooler(database_url: sa.URL) -> None:
    conninfo = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        assert not detect_pooler(connection)


def test_a_password_is_not_shown(database_url: sa.URL, connect_database: Connect) -> None:
    database = connect_database(database_url.set(password="s3cret-" + str(os.getpid())))
    assert "s3cret" not in repr(database)
