"""The indexes serve the conditions of public lists, counts and GTIN searches."""

from collections.abc import Mapping

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.postgres.category_tree import CATEGORY_BY_SLUG
from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.listing.pages import page_statement, page_values
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.validation.parameters import Status


@pytest.fixture
def filled_database(database: Database) -> Database:
    """Return a database of 2,000 products, a tenth of them unlisted."""
    with PostgresProductStore(database).begin_import() as session:
        drafts = [
            make_draft(f"Egg {number}", slug=f"egg-{number}", is_listed=number % 10 > 0)
            for number in range(2000)
        ]
        session.write_products(drafts, [], NOON)
        session.commit()
    with database.long_transaction() as connection:
        connection.execute(sa.text("ANALYZE products"))
    return database


@pytest.fixture
def large_database(database: Database) -> Database:
    """Return a database of 43,000 products, not indexed for searches."""
    with database.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # no triggers
        # Vacuums must not run meanwhile, or count rows that are still to be reported.
        connection.execute(sa.text("ALTER TABLE products SET (autovacuum_enabled = false)"))
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
        connection.execute(
            sa.text("""
                INSERT INTO products (name, slug, description, details, price, name_key)
                SELECT 'Egg', 'egg-' || number, '', '', 1, 'egg'
                FROM generate_series(1, 43000) AS number""")
        )
    vacuum(database)
    return database


def vacuum(database: Database) -> None:
    with database.session() as connection:
        assert connection is not None
        connection.execute(sa.text("VACUUM (ANALYZE) products"))


def explain(
    database: Database,
    statement: CompiledStatement,
    values: Mapping[str, object],
    options: str = "",
) -> str:
    """Return the plan of a statement on a table that is too large for sequential scans."""
    with database.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        connection.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        cursor = driver_connection(connection.connection).cursor()
        cursor.execute(f"EXPLAIN {options} {statement.sql}", statement.values(values))
        return "\n".join(row[0] for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ProductQuery(), "products_name_idx"),
        (ProductQuery(sort=Sort.NEWEST), "products_created_idx"),
        (ProductQuery(sort=Sort.PRICE_ASC), "products_price_idx"),
    ],
)
def test_public_pages_scan_an_index_and_are_counted_by_another(
    filled_database: Database, query: ProductQuery, index: str
) -> None:
    plan = explain(filled_database, page_statement(query), page_values(query))
    assert f"using {index} on products" in plan
    assert "Index Only Scan using products_active_idx" in plan
    assert "Index Cond: ((is_active = true) AND (is_listed = true))" in plan


def test_public_products_in_stock_are_counted_by_an_index_alone(
    filled_database: Database,
) -> None:
    query = ProductQuery(in_stock=True)
    vacuum(filled_database)
    plan = explain(filled_database, page_statement(query), page_values(query))
    assert "Index Only Scan using products_active_idx" in plan


def test_unlisted_products_are_counted_by_the_index_of_hidden_ones(
    filled_database: Database,
) -> None:
    query = ProductQuery(status=Status.ALL, listed=False)
    plan = explain(filled_database, page_statement(query), page_values(query))
    assert "products_hidden_idx" in plan


def test_product_counts_exclude_hidden_products_by_an_index(filled_database: Database) -> None:
    statement = CompiledStatement.compile(CATEGORY_BY_SLUG)
    plan = explain(filled_database, statement, {"slug": "bars"})
    assert "products_hidden_idx" in plan


@pytest.mark.parametrize("table", ["products", "variants"])
def test_gtins_are_indexed(filled_database: Database, table: str) -> None:
    statement = CompiledStatement(f"SELECT id FROM {table} WHERE gtin = %(gtin)s::text", {})
    assert f"{table}_gtin_idx" in explain(filled_database, statement, {"gtin": "96385074"})


@pytest.mark.parametrize("query", [ProductQuery(), ProductQuery(limit=100)])
def test_public_pages_are_planned_once(filled_database: Database, query: ProductQuery) -> None:
    store = PostgresProductStore(filled_database)
    second_page = store.list(query).next_query
    assert second_page is not None
    for _ in range(12):
        store.list(query)
        store.list(second_page)
    plans = CompiledStatement(
        "SELECT generic_plans > 0 FROM pg_prepared_statements"
        " WHERE statement LIKE '%%FROM products%%'",
        {},
    )
    assert filled_database.fetch(plans, {}) == [(True,), (True,)]


def test_large_catalogues_are_not_counted(large_database: Database) -> None:
    query = ProductQuery()
    plan = explain(large_database, page_statement(query), page_values(query), "ANALYZE")
    [count] = [line for line in plan.splitlines() if "products_active_idx" in line]
    assert "never executed" in count
    page = PostgresProductStore(large_database).list(query)
    assert (page.total, page.total_capped) == (10_000, True)


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM products WHERE id > 9000", "UPDATE products SET is_active = id <= 9000"],
)
def test_catalogues_that_became_small_are_counted(large_database: Database, change: str) -> None:
    with large_database.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text(change))
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    page = PostgresProductStore(large_database).list(ProductQuery())
    assert (page.total, page.total_capped) == (9_000, False)


def test_longer_pages_than_a_request_can_ask_for_are_complete(filled_database: Database) -> None:
    page = PostgresProductStore(filled_database).list(ProductQuery(limit=150))
    assert len(page.items) == 150
    assert page.next_query is not None
