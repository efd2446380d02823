"""Pages of small, larger and very large categories have the right products, in one plan."""

from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import ProductQuery, Sort

_FILL = (
    "SET LOCAL session_replication_role = replica",  # no triggers
    """
    INSERT INTO products (
      name, slug, description, details, price, name_key, rating_average, rating_count, created_at,
      is_active, is_listed)
    SELECT 'Egg', 'egg-' || n, '', '', 1 + n % 7, 'egg ' || n * 7919 % 12000,
      CASE WHEN n % 3 > 0 THEN n % 3 END, n % 3, to_timestamp(n / 2), n % 40 <> 11, n % 50 <> 31
    FROM generate_series(1, 12000) AS n""",
    """
    INSERT INTO categories (id, name, slug, path, is_visible) OVERRIDING SYSTEM VALUE VALUES
      (1, 'Food', 'food', '{food}', true), (2, 'Bars', 'bars', '{food,bars}', true),
      (3, 'Snacks', 'snacks', '{food,snacks}', true),
      (4, 'Eggs', 'eggs', '{food,snacks,eggs}', true),
      (5, 'Salt', 'salt', '{food,snacks,salt}', true),
      (6, 'Secret', 'secret', '{food,secret}', false)""",
    """
    INSERT INTO product_categories (product_id, category_id)
    SELECT id, 2 FROM products WHERE id > 1000
    UNION ALL SELECT id, 4 FROM products WHERE id % 10 = 1
    UNION ALL SELECT id, 5 FROM products WHERE id % 100 = 71
    UNION ALL SELECT id, 6 FROM products WHERE id <= 1000""",
)
_EXPECTED = """
SELECT slug FROM products
WHERE is_active AND is_listed AND id IN (
  SELECT product_id FROM product_categories JOIN categories ON categories.id = category_id
  WHERE path @> ARRAY[%(category)s::text] AND is_visible)
ORDER BY {key} {direction}, id {direction}"""
_KEYS = {
    Sort.NAME: "name_key",
    Sort.NAME_DESC: "name_key",
    Sort.PRICE_ASC: "price",
    Sort.PRICE_DESC: "price",
    Sort.NEWEST: "created_at",
    Sort.RATING: "coalesce(rating_average, 0)",
}


@pytest.fixture
def filled_database(database: Database) -> Database:
    """Return a database with categories of 120 to 11,000 products."""
    with database.long_transaction() as connection:
        for statement in _FILL:
            connection.execute(sa.text(statement))
    with database.session() as session:
        assert session is not None
        session.execute(sa.text("VACUUM (ANALYZE) products, product_categories, categories"))
    return database


def expected_slugs(database: Database, category: str, sort: Sort) -> Sequence[str]:
    direction = "DESC" if sort.is_descending else "ASC"
    sql = _EXPECTED.format(key=_KEYS[sort], direction=direction)
    return [row[0] for row in database.fetch(CompiledStatement(sql, {}), {"category": category})]


def pages(store: PostgresProductStore, query: ProductQuery, count: int) -> Iterator[list[str]]:
    """Yield the slugs of the first pages of a query."""
    following: ProductQuery | None = query
    for _ in range(count):
        assert following is not None
        page = store.list(following)
        yield [item.slug for item in page.items]
        following = page.next_query


def test_pages_have_the_products_of_the_category_in_order(filled_database: Database) -> None:
    store = PostgresProductStore(filled_database)
    for category in ("food", "bars", "snacks", "eggs", "salt", "secret", "unknown"):
        for sort in _KEYS:
            slugs = expected_slugs(filled_database, category, sort)
            query = ProductQuery(category=category, sort=sort, limit=9)
            page_count = 3 if slugs else 1
            found = [slug for page in pages(store, query, page_count) for slug in page]
            assert found == slugs[:27], (category, sort)
            page = store.list(query)
            assert (page.total, page.total_capped) == (min(len(slugs), 10_000), len(slugs) > 10_000)


def test_last_page_ends_the_category(filled_database: Database) -> None:
    store = PostgresProductStore(filled_database)
    slugs = expected_slugs(filled_database, "salt", Sort.NAME)
    query = ProductQuery(category="salt", limit=50)
    found = pages(store, query, -(-len(slugs) // 50))
    assert [slug for page in found for slug in page] == slugs
    assert store.list(evolve(query, limit=len(slugs))).next_query is None


def test_all_categories_share_one_plan(filled_database: Database) -> None:
    store = PostgresProductStore(filled_database)
    for _ in range(12):
        for category in ("bars", "salt"):
            page = store.list(ProductQuery(category=category))
            assert page.next_query is not None
            store.list(page.next_query)
    plans = CompiledStatement(
        "SELECT generic_plans > custom_plans FROM pg_prepared_statements"
        " WHERE statement LIKE '%%product_categories%%'",
        {},
    )
    assert filled_database.fetch(plans, {}) == [(True,), (True,)]
