"""The searches that found nothing, in memory and in Postgres, which may be away."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.zero_result_searches import SearchMissesContract
from eggypro_adapters.memory import MemorySearchMisses
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.zero_result_searches import PostgresSearchMisses
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import ConflictError, UnavailableError
from eggypro_core.ports import SearchMisses
from eggypro_core.search.zero_results import SearchMiss
from tests.support.builders import a_shop

DUCK = ProductQuery(search="duck")


class TestMemorySearchMisses(SearchMissesContract):
    @pytest.fixture
    def misses(self) -> SearchMisses:
        return MemorySearchMisses()


class TestPostgresSearchMisses(SearchMissesContract):
    @pytest.fixture
    def misses(self, emptied_database: Database) -> SearchMisses:
        return PostgresSearchMisses(emptied_database)


def test_a_search_is_answered_where_nothing_can_be_written(
    database: Database, database_url: sa.URL, connect: Callable[..., Database]
) -> None:
    with database.begin() as connection:
        name = f'"{database_url.database}"'
        connection.execute(sa.text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
    read_only = connect(database_url)
    misses = PostgresSearchMisses(read_only)
    with pytest.raises(UnavailableError):
        misses.record("duck", NOON)
    shop = a_shop(PostgresProductStore(read_only), misses=misses)
    assert shop.products.page(DUCK).total == 0
    assert misses.list(10) == ()


def test_a_search_is_answered_where_there_is_no_table_yet(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("DROP TABLE search_misses"))
    misses = PostgresSearchMisses(database)
    with pytest.raises(UnavailableError):
        misses.record("duck", NOON)
    shop = a_shop(PostgresProductStore(database), misses=misses)
    assert shop.products.page(DUCK).total == 0


def test_a_search_waits_for_nobody_who_holds_its_count(database: Database) -> None:
    misses = PostgresSearchMisses(database)
    misses.record("duck", NOON)
    shop = a_shop(PostgresProductStore(database), misses=misses)
    with database.begin() as connection:
        connection.execute(sa.text("SELECT FROM search_misses FOR UPDATE"))
        with pytest.raises(ConflictError):
            misses.record("duck", NOON)
        assert shop.products.page(DUCK).total == 0
    assert misses.list(10) == (SearchMiss("duck", 1, NOON),)


def test_a_count_leaves_no_setting_behind(
    database_url: sa.URL, connect: Callable[..., Database]
) -> None:
    one = connect(database_url, size=1)
    PostgresSearchMisses(one).record("duck", NOON)
    with one.begin() as connection:
        assert connection.scalar(sa.text("SELECT current_setting('lock_timeout')")) == "0"
