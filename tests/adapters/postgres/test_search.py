"""Search in Postgres returns the same results as in memory, with any plan."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa
from attrs import evolve
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_search import ProductSearchContract, SearchStores
from eggypro_adapters.contracts.product_store import make_draft
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
from tests.stories.search_agreement import ListProducts, check_agreement

# Wrong statistics: too many rows, with each word in many of them.
statistics = st.builds(
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
    """Return stores with an empty database and vocabulary on each call."""

    def make() -> SearchStores:
        with database.long_transaction() as connection:
            connection.execute(sa.text("DELETE FROM products"))
            connection.execute(sa.text("DELETE FROM categories"))
            connection.execute(sa.text("DELETE FROM search_words"))
        return in_postgres(database)

    return make


def test_search_in_postgres_agrees_with_memory(empty_stores: Callable[[], SearchStores]) -> None:
    check_agreement(in_memory, empty_stores, examples=20)


def test_plan_from_wrong_statistics_returns_same_results(
    empty_stores: Callable[[], SearchStores], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_plan, "_SCAN_SAFETY_FACTOR", 0.5)  # short scans miss many matches

    def search_with_wrong_statistics(data: st.DataObject) -> ListProducts:
        wrong = data.draw(statistics)
        return PostgresSearch(database, lambda: wrong).list  # type: ignore[arg-type]  # it is only called

    check_agreement(in_memory, empty_stores, examples=20, also=search_with_wrong_statistics)


def test_common_and_rare_words_match_the_same_products_as_in_memory(
    empty_stores: Callable[[], SearchStores], database: Database
) -> None:
    shops = [in_memory(), empty_stores()]
    for shop in shops:
        with shop.products.begin_import() as session:
            session.write_products(list(product_drafts()), [], NOON)
            session.commit()
    with database.long_transaction() as connection:
        connection.execute(sa.text("ANALYZE product_search"))
    current = TermStatisticsReader(database)()
    assert current.rows == PRODUCT_COUNT
    for search in (*COMMON, *RARE):
        query = ProductQuery(search=search, limit=30)
        tokens = tokenize_query(search)
        words = PostgresVocabulary.load(database, tokens, search, None, fuzzy=False)
        plan = SearchPlan(ParsedQuery(expand_terms(tokens, words)), current, query.limit + 1)
        has_scan = any(plan.tier_lookup(tier).scan_length for tier in plan.tiers)
        assert has_scan == (search in COMMON), search
        for in_stock in (None, True):
            filtered = evolve(query, in_stock=in_stock)
            expected, actual = (first_pages(shop, filtered) for shop in shops)
            assert actual == expected, filtered


def test_writer_of_a_new_word_does_not_wait_for_import(database: Database) -> None:
    shop = in_postgres(database)
    drafts = [make_draft(f"Zebra {n}", slug=f"z{n}") for n in range(600)]
    with shop.products.begin_import() as session:
        session.write_products(drafts, [], NOON)
        shop.products.create(make_draft("Zebra"), NOON)
        session.commit()
    assert shop.products.list(ProductQuery(search="zebar")).total == 601


PRODUCT_COUNT = 2000
COMMON = ("egg", "eggs", "egg white", "protein", "e", "whiet egg")
RARE = ("protein spicea", "zebra", "spiceb egg", "egg 1999", "zebar", "zebra white")


def product_drafts() -> Iterator[ProductDraft]:
    """Yield products: most with common words in several fields, a few with rare words."""
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
    """Return the totals and slugs of the first two pages."""
    pages: list[tuple[int, list[str]]] = []
    next_query: ProductQuery | None = query
    while next_query is not None and len(pages) < 2:
        page = shop.products.list(next_query)
        pages.append((page.total, [product.slug for product in page.items]))
        next_query = page.next_query
    return pages
