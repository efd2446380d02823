"""The products in Postgres behave as those in memory do, whatever happens to them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts import category_store
from eggypro_adapters.contracts.variant_store import Stores
from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryProductStore,
    MemoryVariantStore,
)
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from tests.stories import category_story
from tests.stories.product_story import play
from tests.stories.steady_pages import hold_steady
from tests.stories.variant_story import play as play_variants


def test_variants_in_postgres_and_in_memory_tell_the_same_story(
    emptied: Callable[[], PostgresProductStore], database: Database
) -> None:
    def in_memory() -> Stores:
        memory = MemoryDatabase()
        return Stores(MemoryProductStore(memory), MemoryVariantStore(memory))

    play_variants(in_memory, lambda: Stores(emptied(), PostgresVariantStore(database)))


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
    hold_steady(emptied, examples=25)


def test_categories_in_postgres_and_memory_tell_the_same_story(database: Database) -> None:
    def in_memory() -> category_store.Stores:
        memory = MemoryDatabase()
        return category_store.Stores(MemoryCategoryStore(memory), MemoryProductStore(memory))

    def emptied() -> category_store.Stores:
        with database.begin() as connection:
            connection.execute(sa.text("TRUNCATE products, categories RESTART IDENTITY CASCADE"))
        return category_store.Stores(
            PostgresCategoryStore(database), PostgresProductStore(database)
        )

    category_story.play(in_memory, emptied)
