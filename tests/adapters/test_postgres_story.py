"""The products in Postgres behave as those in memory do, whatever happens to them."""

import sqlalchemy as sa

from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from tests.contracts import category_story
from tests.contracts.category_store import Stores
from tests.contracts.product_story import play


def test_postgres_and_memory_tell_the_same_story(database: Database) -> None:
    def emptied() -> PostgresProductStore:
        with database.begin() as connection:
            connection.execute(sa.text("TRUNCATE products, slug_aliases RESTART IDENTITY CASCADE"))
        return PostgresProductStore(database)

    play(MemoryProductStore, emptied)


def test_categories_in_postgres_and_memory_tell_the_same_story(database: Database) -> None:
    def in_memory() -> Stores:
        memory = MemoryDatabase()
        return Stores(MemoryCategoryStore(memory), MemoryProductStore(memory))

    def emptied() -> Stores:
        with database.begin() as connection:
            connection.execute(sa.text("TRUNCATE products, categories RESTART IDENTITY CASCADE"))
        return Stores(PostgresCategoryStore(database), PostgresProductStore(database))

    category_story.play(in_memory, emptied)
