"""Stories: Postgres stores behave like memory stores under random operations."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts import category_store
from eggypro_adapters.contracts.variant_store import VariantStores
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
from tests.stories.product_story import play_product_stories
from tests.stories.steady_pages import check_steady_pages
from tests.stories.variant_story import play_variant_stories as play_variants


def test_variant_stores_in_postgres_and_memory_agree(
    empty_store: Callable[[], PostgresProductStore], database: Database
) -> None:
    def in_memory() -> VariantStores:
        memory = MemoryDatabase()
        return VariantStores(MemoryProductStore(memory), MemoryVariantStore(memory))

    play_variants(in_memory, lambda: VariantStores(empty_store(), PostgresVariantStore(database)))


@pytest.fixture
def empty_store(database: Database) -> Callable[[], PostgresProductStore]:
    """Return a product store with an empty database on each call."""

    def make() -> PostgresProductStore:
        with database.long_transaction() as connection:
            connection.execute(sa.text("TRUNCATE products, slug_aliases RESTART IDENTITY CASCADE"))
        return PostgresProductStore(database)

    return make


def test_product_stores_in_postgres_and_memory_agree(
    empty_store: Callable[[], PostgresProductStore],
) -> None:
    play_product_stories(MemoryProductStore, empty_store)


def test_pages_neither_repeat_nor_skip_rows_during_writes(
    empty_store: Callable[[], PostgresProductStore],
) -> None:
    check_steady_pages(empty_store, examples=25)


def test_category_stores_in_postgres_and_memory_agree(database: Database) -> None:
    def in_memory() -> category_store.CategoryStores:
        memory = MemoryDatabase()
        return category_store.CategoryStores(
            MemoryCategoryStore(memory), MemoryProductStore(memory)
        )

    def empty_stores() -> category_store.CategoryStores:
        with database.long_transaction() as connection:
            connection.execute(sa.text("TRUNCATE products, categories RESTART IDENTITY CASCADE"))
        return category_store.CategoryStores(
            PostgresCategoryStore(database), PostgresProductStore(database)
        )

    category_story.play_category_stories(in_memory, empty_stores)
