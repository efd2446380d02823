"""Advisory locks: imports, category writes and migrations wait only for their own kind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

import eggypro_adapters
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_for_result, wait_until
from eggypro_adapters.postgres import locks
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.category import CategoryDraft
from tests.support.lock_waits import wait_until_blocked

RETRIES = CompiledStatement.compile(
    sa.text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%pg_try_advisory_xact_lock%'
          AND backend_start < query_start - make_interval(secs => :seconds)
    """)
)
"""Counts connections that try to take a lock since some seconds."""


@pytest.fixture
def limited_database(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> Database:
    """The same database with a lock timeout of one second."""
    with database.long_transaction() as connection:
        limit = f"ALTER DATABASE {database_url.database} SET lock_timeout = '1s'"
        connection.execute(sa.text(limit))
    return connect_database(database_url)


def test_lock_numbers_differ() -> None:
    numbers = [number for name, number in vars(locks).items() if name.endswith("_LOCK")]
    assert len(numbers) >= 3
    assert len(set(numbers)) == len(numbers)


def test_no_other_module_takes_an_advisory_lock() -> None:
    sources = Path(eggypro_adapters.__file__).parent.rglob("*.py")
    assert [path for path in sources if "advisory_" in path.read_text()] == [Path(locks.__file__)]


def test_category_is_created_during_migration(
    database: Database, limited_database: Database
) -> None:
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text("LOCK TABLE product_search IN ACCESS EXCLUSIVE MODE"))
            migration = threads.submit(PostgresMigrations(database).upgrade)
            wait_until_blocked(database, migration)
            PostgresCategoryStore(limited_database).create(CategoryDraft(name="Bars"), NOON)
        wait_for_result(migration)


def test_migration_runs_while_import_creates_categories(
    database: Database, limited_database: Database
) -> None:
    with PostgresProductStore(database).begin_import() as session:
        session.create_categories([CategoryDraft(name="Bars")], NOON)
        PostgresMigrations(limited_database).upgrade()
        session.commit()


def test_import_and_migration_wait_longer_than_statement_timeout(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    with database.long_transaction() as connection:
        limit = f"ALTER DATABASE {database_url.database} SET statement_timeout = '100ms'"
        connection.execute(sa.text(limit))
    # Behind a pooler, connections do not override the limit of the database.
    limited = connect_database(database_url, pooler=lambda _: True)

    def import_product() -> None:
        with PostgresProductStore(limited).begin_import() as session:
            session.write_products([make_draft(slug="egg-white")], [], NOON)
            session.commit()

    with ThreadPoolExecutor(2) as threads:
        with database.long_transaction() as connection:
            futures = []
            for lock, work in (
                (locks.IMPORT_LOCK, import_product),
                (locks.MIGRATION_LOCK, PostgresMigrations(limited).upgrade),
            ):
                locks.wait_for_lock(connection, lock)
                futures.append(threads.submit(work))
            wait_until_blocked(database, futures[0], seconds=0.2)
            wait_until(lambda: futures[1].done() or database.fetch(RETRIES, {"seconds": 0.2})[0][0])
            assert not futures[1].done()
        for future in futures:
            wait_for_result(future)
    assert PostgresProductStore(database).get("egg-white").version == 1
