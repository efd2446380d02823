"""Imports, category writes and migrations wait for their own kind only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

import eggypro_adapters
from eggypro_adapters.contracts.product_store import NOON, make_draft
from eggypro_adapters.postgres import locks
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.category import CategoryDraft
from tests.support.lock_waits import wait_until_blocked


@pytest.fixture
def impatient(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> Database:
    """The same database, where no statement waits for a lock for more than a second."""
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


def test_a_category_is_written_during_a_migration(database: Database, impatient: Database) -> None:
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text("LOCK TABLE product_search IN ACCESS EXCLUSIVE MODE"))
            migration = threads.submit(PostgresMigrations(database).upgrade)
            wait_until_blocked(database, migration)
            PostgresCategoryStore(impatient).create(CategoryDraft(name="Bars"), NOON)
        migration.result()


def test_a_migration_runs_while_an_import_adds_categories(
    database: Database, impatient: Database
) -> None:
    with PostgresProductStore(database).begin_import() as load:
        load.create_categories([CategoryDraft(name="Bars")], NOON)
        PostgresMigrations(impatient).upgrade()
        load.commit()


def test_an_import_and_a_migration_wait_longer_than_a_statement_of_a_request_may(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    with database.long_transaction() as connection:
        limit = f"ALTER DATABASE {database_url.database} SET statement_timeout = '100ms'"
        connection.execute(sa.text(limit))
    limited = connect_database(
        database_url, pooler=lambda _: True
    )  # keeps the database's own limit

    def import_one() -> None:
        with PostgresProductStore(limited).begin_import() as load:
            load.write_products([make_draft(slug="egg-white")], [], NOON)
            load.commit()

    with ThreadPoolExecutor(2) as threads:
        with database.long_transaction() as connection:
            waiting = []
            for lock, work in (
                (locks.IMPORT_LOCK, import_one),
                (locks.MIGRATION_LOCK, PostgresMigrations(limited).upgrade),
            ):
                locks.wait_for_lock(connection, lock)
                waiting.append(threads.submit(work))
            wait_until_blocked(database, *waiting, seconds=0.2)
        for ended in waiting:
            ended.result()
    assert PostgresProductStore(database).get("egg-white").version == 1
