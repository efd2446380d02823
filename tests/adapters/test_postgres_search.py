"""Searches in Postgres find what those in memory do, however they are looked for."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryProductStore,
    MemoryReviewStore,
    MemoryVariantStore,
)
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.frequencies import Frequencies
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.searching import PostgresSearch
from eggypro_adapters.postgres.variants import PostgresVariantStore
from tests.contracts.search_agreement import Pages, agree
from tests.contracts.search_store import SearchContract, Stores

frequencies = st.builds(
    Frequencies,
    st.sampled_from([0.0, 5_000.0, 500_000.0]),
    st.dictionaries(
        st.builds("{}{}".format, st.sampled_from("ABCD"), st.text("abes", min_size=1, max_size=3)),
        st.sampled_from([0.3, 0.9]),
        min_size=1,
    ),
)


def in_memory() -> Stores:
    database = MemoryDatabase()
    return Stores(
        MemoryProductStore(database),
        MemoryCategoryStore(database),
        MemoryVariantStore(database),
        MemoryReviewStore(database),
    )


def in_postgres(database: Database) -> Stores:
    return Stores(
        PostgresProductStore(database),
        PostgresCategoryStore(database),
        PostgresVariantStore(database),
        PostgresReviewStore(database),
    )


class TestPostgresSearch(SearchContract):
    @pytest.fixture
    def stores(self, database: Database) -> Stores:
        return in_postgres(database)


@pytest.fixture
def emptied(database: Database) -> Callable[[], Stores]:
    """A shop that is empty again each time it is made, and has forgotten its words."""

    def made() -> Stores:
        with database.begin() as connection:
            connection.execute(sa.text("DELETE FROM products"))
            connection.execute(sa.text("DELETE FROM categories"))
            connection.execute(sa.text("DELETE FROM search_words"))
        return in_postgres(database)

    return made


def test_searches_in_postgres_and_in_memory_agree(emptied: Callable[[], Stores]) -> None:
    agree(in_memory, emptied, examples=100)


def test_a_plan_made_of_wrong_frequencies_finds_the_same(
    emptied: Callable[[], Stores], database: Database
) -> None:
    def misled(data: st.DataObject) -> Pages:
        known = data.draw(frequencies)
        return PostgresSearch(database, lambda: known).page  # type: ignore[arg-type]  # it is only called

    agree(in_memory, emptied, examples=100, also=misled)
