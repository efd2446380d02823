"""The products in Postgres behave as those in memory do, whatever happens to them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.memory import MemoryProductStore
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from tests.contracts.product_story import play
from tests.contracts.steady_pages import hold_steady


@pytest.fixture
def emptied(database: Database) -> Callable[[], PostgresProductStore]:
    """A store that is empty again each time it is made."""

    def made() -> PostgresProductStore:
        with database.begin() as connection:
            connection.execute(sa.text("TRUNCATE products, slug_aliases RESTART IDENTITY CASCADE"))
        return PostgresProductStore(database)

    return made


def test_postgres_and_memory_tell_the_same_story(
    emptied: Callable[[], PostgresProductStore],
) -> None:
    play(MemoryProductStore, emptied)


def test_pages_neither_repeat_nor_skip_a_row_while_others_are_written(
    emptied: Callable[[], PostgresProductStore],
) -> None:
    hold_steady(emptied, examples=100)
