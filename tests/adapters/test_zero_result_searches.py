"""Zero-result searches in memory and in Postgres, which may be down."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.zero_result_searches import ZeroResultStoreContract
from eggypro_adapters.memory import MemoryZeroResultStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import UnavailableError
from eggypro_core.ports import ZeroResultStore
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch
from tests.support.builders import make_shop

DUCK = ProductQuery(search="duck")


class TestMemoryZeroResultStore(ZeroResultStoreContract):
    @pytest.fixture
    def store(self) -> ZeroResultStore:
        return MemoryZeroResultStore()


class TestPostgresZeroResultStore(ZeroResultStoreContract):
    @pytest.fixture
    def store(self, emptied_database: Database) -> ZeroResultStore:
        return PostgresZeroResultStore(emptied_database)


def test_search_works_on_a_read_only_database(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    with database.long_transaction() as connection:
        name = f'"{database_url.database}"'
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    read_only = connect_database(database_url)
    store = PostgresZeroResultStore(read_only)
    with pytest.raises(UnavailableError):
        store.record("duck", NOON)
    shop = make_shop(PostgresProductStore(read_only), zero_results=store)
    assert shop.products.list(DUCK).total == 0
    assert store.list(10) == ()


def test_search_works_without_the_table(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text("DROP TABLE search_misses"))
    store = PostgresZeroResultStore(database)
    with pytest.raises(UnavailableError):
        store.record("duck", NOON)
    shop = make_shop(PostgresProductStore(database), zero_results=store)
    assert shop.products.list(DUCK).total == 0


def test_search_does_not_wait_for_a_locked_count(database: Database) -> None:
    store = PostgresZeroResultStore(database)
    store.record("duck", NOON)
    shop = make_shop(PostgresProductStore(database), zero_results=store)
    with database.long_transaction() as connection:
        connection.execute(sa.text("SELECT FROM search_misses FOR UPDATE"))
        with pytest.raises(UnavailableError):
            store.record("duck", NOON)
        assert shop.products.list(DUCK).total == 0
    assert store.list(10) == (ZeroResultSearch("duck", 1, NOON),)


def test_locked_counts_above_the_limit_delay_nobody(emptied_database: Database) -> None:
    fill = "INSERT INTO search_misses SELECT 'w' || n, 1, :at FROM generate_series(1, :count) AS n"
    store = PostgresZeroResultStore(emptied_database)
    with emptied_database.long_transaction() as connection:
        values = {"at": NOON, "count": MAX_ZERO_RESULT_TERMS}
        connection.execute(sa.text(fill), values)
    with emptied_database.long_transaction() as connection:
        connection.execute(sa.text("SELECT FROM search_misses FOR UPDATE"))
        store.record("duck", NOON)
    assert len(store.list(2 * MAX_ZERO_RESULT_TERMS)) == MAX_ZERO_RESULT_TERMS + 1


def test_recording_resets_the_lock_timeout(
    database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    database = connect_database(database_url, size=1)
    PostgresZeroResultStore(database).record("duck", NOON)
    with database.long_transaction() as connection:
        assert connection.scalar(sa.text("SELECT current_setting('lock_timeout')")) == "0"
