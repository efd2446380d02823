import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.connection import (
    Connection,
    detect_pooler,
    driver_connection,
)
from eggypro_adapters.postgres.database import MAX_ATTEMPTS, CompiledStatement, Database
from eggypro_adapters.postgres.errors import RETRYABLE_STATES
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.category import CategoryDraft, CategoryQuery
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import ConflictError, StorageFullError, UnavailableError
from eggypro_core.validation.parameters import Status
from tests.support.lock_waits import terminate_connections

Connect = Callable[..., Database]
SELECT_ONE = CompiledStatement.compile(sa.select(sa.literal_column("1")))


def sent_messages(database: Database, trace: Path, work: object) -> list[str]:
    """Return the names of the messages that `work` sends on the only connection."""
    assert callable(work)
    pooled = database.engine.raw_connection()
    pgconn = driver_connection(pooled).pgconn
    pooled.close()
    with trace.open("wb") as file:
        pgconn.trace(file.fileno())
        try:
            work()
        finally:
            pgconn.untrace()
    return re.findall(r"\tF\t\d+\t(\w+)", trace.read_text(errors="replace"))


@pytest.fixture
def one_connection(database_url: sa.URL, connect_database: Connect) -> Database:
    return connect_database(database_url, size=1, pool_timeout=0.1)


@pytest.mark.parametrize(
    "query",
    [
        ProductQuery(),
        ProductQuery(in_stock=True),
        ProductQuery(offset=3, limit=1),
        ProductQuery(category="none"),
    ],
)
def test_page_is_one_round_trip_without_a_transaction(
    one_connection: Database, tmp_path: Path, query: ProductQuery
) -> None:
    store = PostgresProductStore(one_connection)
    for _ in range(3):  # psycopg then has prepared the statement
        store.list(query)
    assert sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query)) == [
        "Bind",
        "Describe",
        "Execute",
        "Sync",
    ]


def test_ranked_search_is_two_prepared_round_trips(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    store.create(make_draft(), NOON)
    query = ProductQuery(search="egg")
    for _ in range(4):
        store.list(query)
    prepared = ["Bind", "Describe", "Execute", "Sync"]
    messages = sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query))
    assert messages == prepared * 2


def test_filtered_page_of_a_category_is_one_round_trip_and_planned_for_the_category(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    query = ProductQuery(category="none", in_stock=True)
    for _ in range(3):
        store.list(query)
    assert sent_messages(one_connection, tmp_path / "trace", lambda: store.list(query)) == [
        "Parse",
        "Bind",
        "Describe",
        "Execute",
        "Sync",
    ]


def test_category_reads_are_one_round_trip_without_a_transaction(
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


def test_product_is_one_round_trip_without_a_transaction(
    one_connection: Database, tmp_path: Path
) -> None:
    store = PostgresProductStore(one_connection)
    store.create(make_draft(), NOON)
    for _ in range(3):
        store.get("egg-white")
    messages = sent_messages(one_connection, tmp_path / "trace", lambda: store.get("egg-white"))
    assert messages == ["Bind", "Describe", "Execute", "Sync"]


def test_connections_closed_by_the_server_fail_no_operation(
    database: Database, database_url: sa.URL
) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft(), NOON)
    terminate_connections(database_url)
    assert store.get("egg-white").id
    terminate_connections(database_url)
    assert store.create(make_draft(), NOON).slug == "egg-white-2"


def test_server_that_closes_every_connection_is_unavailable(
    database: Database,
) -> None:
    def terminate(connection: psycopg.Connection[object], _: object) -> None:
        with suppress(psycopg.Error):
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    sa.event.listen(database.engine, "connect", terminate)
    store = PostgresProductStore(database)
    with pytest.raises(UnavailableError):
        store.create(make_draft(), NOON)
    with pytest.raises(UnavailableError):
        store.get("egg-white")


def test_connection_idle_for_too_long_is_replaced(
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


def test_read_is_tried_three_times_if_connections_are_lost(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text("CREATE SEQUENCE attempts"))
    terminate = (
        "CASE WHEN nextval('attempts') <= {} THEN pg_terminate_backend(pg_backend_pid()) END"
    )

    def failing(times: int) -> CompiledStatement:
        sql = f"SELECT {terminate.format(times)}, pg_sleep(0.01)"
        return CompiledStatement.compile(sa.text(sql))

    assert database.fetch(failing(MAX_ATTEMPTS - 1), {})[0][0] is None
    with database.long_transaction() as connection:
        connection.execute(sa.text("ALTER SEQUENCE attempts RESTART"))
    with pytest.raises(UnavailableError):
        database.fetch(failing(MAX_ATTEMPTS), {})
    assert database.fetch(SELECT_ONE, {}) == [(1,)]


def make_failing_work(
    state: str, failures: int, attempts: list[int]
) -> Callable[[sa.Connection], int]:
    """Return work that fails with an SQLSTATE `failures` times, and records its attempts."""
    failure = sa.text(f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")

    def work(connection: sa.Connection) -> int:
        attempts.append(len(attempts) + 1)
        if attempts[-1] <= failures:
            connection.execute(failure)
        return attempts[-1]

    return work


@pytest.mark.parametrize("state", sorted(RETRYABLE_STATES))
def test_write_is_retried_after_transaction_conflict(database: Database, state: str) -> None:
    assert database.run_transaction(make_failing_work(state, 1, [])) == 2
    assert database.run_transaction(make_failing_work(state, MAX_ATTEMPTS - 1, [])) == MAX_ATTEMPTS
    attempts = list[int]()
    with pytest.raises(ConflictError):
        database.run_transaction(make_failing_work(state, MAX_ATTEMPTS, attempts))
    assert len(attempts) == MAX_ATTEMPTS
    database.ping()


def test_failed_write_within_a_transaction_undoes_only_itself(database: Database) -> None:
    def fail(connection: sa.Connection) -> None:
        PostgresProductStore(database.for_transaction(connection)).create(make_draft("Two"), NOON)
        connection.execute(sa.text("SELECT 1 / 0"))

    with database.short_transaction() as connection:
        transaction = database.for_transaction(connection)
        PostgresProductStore(transaction).create(make_draft("One"), NOON)
        with pytest.raises(sa.exc.DataError):
            transaction.run_transaction(fail)
        PostgresProductStore(transaction).create(make_draft("Three"), NOON)
    names = [product.name for product in PostgresProductStore(database).list(ProductQuery()).items]
    assert sorted(names) == ["One", "Three"]


def test_missing_server_raises_unavailable_error(tmp_path: Path, connect_database: Connect) -> None:
    missing = connect_database(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")
    for work in (
        lambda: missing.fetch(SELECT_ONE, {}),
        missing.revision,
        lambda: missing.long_transaction().__enter__(),
    ):
        with pytest.raises(UnavailableError):
            work()


def test_exhausted_pool_raises_unavailable_error(one_connection: Database) -> None:
    with one_connection.long_transaction(), pytest.raises(UnavailableError, match="busy"):
        one_connection.fetch(SELECT_ONE, {})
    assert one_connection.fetch(SELECT_ONE, {}) == [(1,)]


@pytest.mark.parametrize("use_driver", [True, False])
def test_response_timeout_of_a_write_raises_unavailable_error(
    one_connection: Database, *, use_driver: bool
) -> None:
    def work(connection: sa.Connection) -> None:
        driver = driver_connection(connection.connection)
        driver.response_timeout = 0.05
        if use_driver:
            driver.execute("SELECT pg_sleep(1)")
        connection.execute(sa.text("SELECT pg_sleep(1)"))

    with pytest.raises(UnavailableError, match="is unavailable"):
        one_connection.run_transaction(work)
    assert one_connection.busy_connection_count() == 0
    assert one_connection.fetch(SELECT_ONE, {}) == [(1,)]


def test_unknown_error_does_not_contain_parameters(database: Database) -> None:
    statement = sa.text("SELECT no_such_function(:comment)")
    with pytest.raises(sa.exc.ProgrammingError) as raised:
        database.run_transaction(
            lambda connection: connection.execute(statement, {"comment": "private"})
        )
    assert "no_such_function" in str(raised.value)
    assert "private" not in str(raised.value)


def test_full_disk_of_the_server_raises_storage_full_error(database: Database) -> None:
    failure = sa.text("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'; END $$")
    with pytest.raises(StorageFullError):
        database.run_transaction(lambda connection: connection.execute(failure))


def test_full_disk_of_this_process_rolls_the_transaction_back(database: Database) -> None:
    def write_with_report(connection: sa.Connection) -> None:
        connection.execute(sa.text("INSERT INTO categories (name, slug) VALUES ('Egg', 'egg')"))
        with Path("/dev/full").open("wb", buffering=0) as report:
            report.write(b"line")

    with pytest.raises(StorageFullError, match="No space left"):
        database.run_transaction(write_with_report)
    with database.short_transaction() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM categories")) == 0


def test_error_of_a_database_without_tables_names_the_upgrade_command(
    empty_database_url: sa.URL, connect_database: Connect
) -> None:
    store = PostgresProductStore(connect_database(empty_database_url))
    with pytest.raises(UnavailableError, match="eggypro db upgrade"):
        store.get("egg-white")
    with pytest.raises(UnavailableError, match="eggypro db upgrade"):
        store.create(make_draft(), NOON)


def test_session_has_statement_timeout_of_five_seconds_and_utc(database: Database) -> None:
    statement = CompiledStatement.compile(
        sa.text("SELECT current_setting('statement_timeout'), current_setting('timezone')")
    )
    assert database.fetch(statement, {}) == [("5s", "UTC")]


@pytest.mark.parametrize(
    "open_block", [Database.long_transaction, Database.session, Database.snapshot]
)
def test_imports_exports_and_migrations_have_no_timeouts(
    one_connection: Database, open_block: Callable[[Database], AbstractContextManager[object]]
) -> None:
    connections: list[Connection] = []
    sa.event.listen(
        one_connection.engine, "checkout", lambda connection, *_: connections.append(connection)
    )
    timeouts = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    with open_block(one_connection):
        assert connections[0].allows_long_statements
        assert connections[0].execute(timeouts).fetchone() == ("0", "0")
    assert one_connection.fetch(CompiledStatement.compile(sa.text(timeouts)), {}) == [("5s", "1s")]
    assert not connections[-1].allows_long_statements


def test_behind_a_pooler_nothing_is_prepared_or_set(
    database_url: sa.URL, connect_database: Connect
) -> None:
    pooled = connect_database(database_url, pooler=lambda _: True)
    statement = CompiledStatement.compile(sa.text("SELECT current_setting('statement_timeout')"))
    assert pooled.fetch(statement, {}) == [("0",)]
    connection = pooled.engine.raw_connection()
    assert driver_connection(connection).prepare_threshold is None
    connection.close()


def test_direct_connection_is_not_detected_as_pooler(database_url: sa.URL) -> None:
    conninfo = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        assert not detect_pooler(connection)


def test_repr_hides_the_password(database_url: sa.URL, connect_database: Connect) -> None:
    database = connect_database(database_url.set(password="s3cret-" + str(os.getpid())))
    assert "s3cret" not in repr(database)
