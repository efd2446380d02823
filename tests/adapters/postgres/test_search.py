"""Searches in Postgres find what those in memory do, however they are looked for."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import strategies as st

from eggypro_adapters.contracts.product_search import SearchContract, Stores
from eggypro_adapters.contracts.product_store import NOON, a_draft
from eggypro_adapters.memory import (
    MemoryCategoryStore,
    MemoryDatabase,
    MemoryProductStore,
    MemoryReviewStore,
    MemoryVariantStore,
)
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.listing import search_plan
from eggypro_adapters.postgres.listing.search import PostgresSearch
from eggypro_adapters.postgres.listing.search_plan import Plan
from eggypro_adapters.postgres.listing.term_statistics import Frequencies, FrequencyReader
from eggypro_adapters.postgres.listing.vocabulary import Known
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.product import ProductDraft
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.search.query import Reading, read_search, tokens_of
from tests.stories.search_agreement import Pages, agree

# As many rows as there never are, of which each word is in many.
frequencies = st.builds(
    lambda rows, share: Frequencies(rows, {"A": share}),
    st.sampled_from([5_000.0, 500_000.0]),
    st.sampled_from([0.9, 3.0, 3.0]),
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
    def stores(self, emptied_database: Database) -> Stores:
        return in_postgres(emptied_database)


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
    agree(in_memory, emptied, examples=20)


def test_a_plan_made_of_wrong_frequencies_finds_the_same(
    emptied: Callable[[], Stores], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_plan, "_SURE", 0.5)  # so that much lies behind a head

    def misled(data: st.DataObject) -> Pages:
        known = data.draw(frequencies)
        return PostgresSearch(database, lambda: known).page  # type: ignore[arg-type]  # it is only called

    agree(in_memory, emptied, examples=20, also=misled)


def test_common_and_rare_words_are_found_alike_among_thousands(
    emptied: Callable[[], Stores], database: Database
) -> None:
    shops = [in_memory(), emptied()]
    for shop in shops:
        with shop.products.load() as load:
            load.put(list(thousands()), [], NOON)
            load.commit()
    with database.begin() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    known = FrequencyReader(database)()
    assert known.rows == MANY
    for search in (*COMMON, *RARE):
        query = ProductQuery(search=search, limit=30)
        tokens = tokens_of(search)
        words = Known.of(database, tokens, search, None, forgiving=False)
        plan = Plan(Reading(read_search(tokens, words)), known, query.limit + 1)
        has_head = any(plan.wanted(tier).head for tier in plan.tiers)
        assert has_head == (search in COMMON), search
        for in_stock in (None, True):
            wanted = evolve(query, in_stock=in_stock)
            expected, found = (some_pages(shop, wanted) for shop in shops)
            assert found == expected, wanted


def test_who_writes_a_new_word_of_a_load_does_not_wait_for_its_end(database: Database) -> None:
    shop = in_postgres(database)
    with shop.products.load() as load:
        load.put([a_draft(f"Zebra {n}", slug=f"z{n}") for n in range(600)], [], NOON)
        shop.products.add(a_draft("Zebra"), NOON)
        load.commit()
    assert shop.products.page(ProductQuery(search="zebar")).total == 601


MANY = 2000
COMMON = ("egg", "eggs", "egg white", "protein", "e", "whiet egg")
RARE = ("protein spicea", "zebra", "spiceb egg", "egg 1999", "zebar", "zebra white")


def thousands() -> Iterator[ProductDraft]:
    """Products most of which have some words, in several fields, and some have rare ones."""
    for n in range(MANY):
        name = f"{'Egg' if n % 3 else 'Ham'} {'White' if n % 5 else 'Bar'} {n}"
        yield a_draft(
            name + (" Zebra" if n % 1_000 == 7 else ""),
            slug=f"p{n}",
            ingredients=("egg" if n % 4 else "oats", f"spice{chr(97 + n % 26)}"),
            description="Protein" if n % 7 else "Whites",
            details="<p>Proteins, eggs</p>" if n % 2 else "",
            price=Decimal(1 + n % 9),
            stock_quantity=n % 2 * (n % 11),
        )


def some_pages(shop: Stores, query: ProductQuery) -> list[tuple[int, list[str]]]:
    """The totals and slugs of the first pages."""
    found: list[tuple[int, list[str]]] = []
    following: ProductQuery | None = query
    while following is not None and len(found) < 2:
        page = shop.products.page(following)
        found.append((page.total, [product.slug for product in page.items]))
        following = page.next_query
    return found
