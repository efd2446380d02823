"""The searches that found nothing, in memory and in Postgres, which may be away."""

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
from eggypro_core.errors import ConflictError, UnavailableError
from eggypro_core.ports import ZeroResultStore
from eggypro_core.search.zero_results import ZeroResultSearch
from tests.support.builders import make_shop

DUCK = ProductQuery(search="duck")


class TestMemorySearchMisses(ZeroResultStoreContract):
    @pytest.fixture
    def misses(self) -> ZeroResultStore:
        return MemoryZeroResultStore()


class TestPostgresSearchMisses(ZeroResultStoreContract):
    @pytest.fixture
    def misses(self, emptied_database: Database) -> ZeroResultStore:
        return PostgresZeroResultStore(emptied_database)


def test_a_search_is_answered_where_nothing_can_be_written(
    database: Database, database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    with database.long_transaction() as connection:
        name = f'"{database_url.database}"'
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    read_only = connect_database(database_url)
    misses = PostgresZeroResultStore(read_only)
    with pytest.raises(UnavailableError):
        misses.record("duck", NOON)
    shop = make_shop(PostgresProductStore(read_only), misses=misses)
    assert shop.products.list(DUCK).total == 0
    assert misses.list(10) == ()


def test_a_search_is_answered_where_there_is_no_table_yet(database: Database) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text("DROP TABLE search_misses"))
    misses = PostgresZeroResultStore(database)
    with pytest.raises(UnavailableError):
        misses.record("duck", NOON)
    shop = make_shop(PostgresProductStore(database), misses=misses)
    assert shop.products.list(DUCK).total == 0


def test_a_search_waits_for_nobody_who_holds_its_count(database: Database) -> None:
    misses = PostgresZeroResultStore(database)
    misses.record("duck", NOON)
    shop = make_shop(PostgresProductStore(database), misses=misses)
    with database.long_transaction() as connection:
        connection.execute(sa.text("SELECT FROM search_misses FOR UPDATE"))
        with pytest.raises(ConflictError):
            misses.record("duck", NOON)
        assert shop.products.list(DUCK).total == 0
    assert misses.list(10) == (ZeroResultSearch("duck", 1, NOON),)


def test_a_count_leaves_no_setting_behind(
    database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    one = connect_database(database_url, size=1)
    PostgresZeroResultStore(one).record("duck", NOON)
    with one.long_transaction() as connection:
        assert connection.scalar(sa.text("SELECT current_setting('lock_timeout')")) == "0"
