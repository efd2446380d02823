"""Searches in Postgres find what those in memory do, however they are looked for."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import strategies as st

from eggypro_adapters.contracts.product_search import ProductSearchContract, SearchStores
from eggypro_adapters.contracts.product_store import NOON, make_draft
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
from eggypro_adapters.postgres.listing.search_plan import SearchPlan
from eggypro_adapters.postgres.listing.term_statistics import TermStatistics, TermStatisticsReader
from eggypro_adapters.postgres.listing.vocabulary import PostgresVocabulary
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.product import ProductDraft
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.search.query import ParsedQuery, expand_terms, tokenize_query
from tests.stories.search_agreement import Pages, check_agreement

# As many rows as there never are, of which each word is in many.
frequencies = st.builds(
    lambda rows, share: TermStatistics(rows, {"A": share}),
    st.sampled_from([5_000.0, 500_000.0]),
    st.sampled_from([0.9, 3.0, 3.0]),
)


def in_memory() -> SearchStores:
    database = MemoryDatabase()
    return SearchStores(
        MemoryProductStore(database),
        MemoryCategoryStore(database),
        MemoryVariantStore(database),
        MemoryReviewStore(database),
    )


def in_postgres(database: Database) -> SearchStores:
    return SearchStores(
        PostgresProductStore(database),
        PostgresCategoryStore(database),
        PostgresVariantStore(database),
        PostgresReviewStore(database),
    )


class TestPostgresSearch(ProductSearchContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> SearchStores:
        return in_postgres(emptied_database)


@pytest.fixture
def empty_stores(database: Database) -> Callable[[], SearchStores]:
    """A shop that is empty again each time it is made, and has forgotten its words."""

    def made() -> SearchStores:
        with database.long_transaction() as connection:
            connection.execute(sa.text("DELETE FROM products"))
            connection.execute(sa.text("DELETE FROM categories"))
            connection.execute(sa.text("DELETE FROM search_words"))
        return in_postgres(database)

    return made


def test_searches_in_postgres_and_in_memory_agree(empty_stores: Callable[[], SearchStores]) -> None:
    check_agreement(in_memory, empty_stores, examples=20)


def test_a_plan_made_of_wrong_frequencies_finds_the_same(
    empty_stores: Callable[[], SearchStores], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_plan, "_SCAN_SAFETY_FACTOR", 0.5)  # so that much lies behind a head

    def misled(data: st.DataObject) -> Pages:
        known = data.draw(frequencies)
        return PostgresSearch(database, lambda: known).list  # type: ignore[arg-type]  # it is only called

    check_agreement(in_memory, empty_stores, examples=20, also=misled)


def test_common_and_rare_words_are_found_alike_among_thousands(
    empty_stores: Callable[[], SearchStores], database: Database
) -> None:
    shops = [in_memory(), empty_stores()]
    for shop in shops:
        with shop.products.begin_import() as load:
            load.write_products(list(product_drafts()), [], NOON)
            load.commit()
    with database.long_transaction() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    known = TermStatisticsReader(database)()
    assert known.rows == PRODUCT_COUNT
    for search in (*COMMON, *RARE):
        query = ProductQuery(search=search, limit=30)
        tokens = tokenize_query(search)
        words = PostgresVocabulary.load(database, tokens, search, None, fuzzy=False)
        plan = SearchPlan(ParsedQuery(expand_terms(tokens, words)), known, query.limit + 1)
        has_head = any(plan.tier_lookup(tier).scan_length for tier in plan.tiers)
        assert has_head == (search in COMMON), search
        for in_stock in (None, True):
            wanted = evolve(query, in_stock=in_stock)
            expected, found = (first_pages(shop, wanted) for shop in shops)
            assert found == expected, wanted


def test_who_writes_a_new_word_of_a_load_does_not_wait_for_its_end(database: Database) -> None:
    shop = in_postgres(database)
    with shop.products.begin_import() as load:
        load.write_products([make_draft(f"Zebra {n}", slug=f"z{n}") for n in range(600)], [], NOON)
        shop.products.create(make_draft("Zebra"), NOON)
        load.commit()
    assert shop.products.list(ProductQuery(search="zebar")).total == 601


PRODUCT_COUNT = 2000
COMMON = ("egg", "eggs", "egg white", "protein", "e", "whiet egg")
RARE = ("protein spicea", "zebra", "spiceb egg", "egg 1999", "zebar", "zebra white")


def product_drafts() -> Iterator[ProductDraft]:
    """Products most of which have some words, in several fields, and some have rare ones."""
    for n in range(PRODUCT_COUNT):
        name = f"{'Egg' if n % 3 else 'Ham'} {'White' if n % 5 else 'Bar'} {n}"
        yield make_draft(
            name + (" Zebra" if n % 1_000 == 7 else ""),
            slug=f"p{n}",
            ingredients=("egg" if n % 4 else "oats", f"spice{chr(97 + n % 26)}"),
            description="Protein" if n % 7 else "Whites",
            details="<p>Proteins, eggs</p>" if n % 2 else "",
            price=Decimal(1 + n % 9),
            stock_quantity=n % 2 * (n % 11),
        )


def first_pages(shop: SearchStores, query: ProductQuery) -> list[tuple[int, list[str]]]:
    """The totals and slugs of the first pages."""
    found: list[tuple[int, list[str]]] = []
    following: ProductQuery | None = query
    while following is not None and len(found) < 2:
        page = shop.products.list(following)
        found.append((page.total, [product.slug for product in page.items]))
        following = page.next_query
    return found
