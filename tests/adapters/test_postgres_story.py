"""The products in Postgres behave as those in memory do, whatever happens to them."""

import sqlalchemy as sa

from eggypro_adapters.memory import MemoryProductStore
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from tests.contracts.product_story import play


def test_postgres_and_memory_tell_the_same_story(database: Database) -> None:
    def emptied() -> PostgresProductStore:
        with database.begin() as connection:
            connection.execute(sa.text("TRUNCATE products, slug_aliases RESTART IDENTITY CASCADE"))
        return PostgresProductStore(database)

    play(MemoryProductStore, emptied)
