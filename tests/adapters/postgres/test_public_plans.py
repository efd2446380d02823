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


def explain(database: Database, statement: CompiledStatement, values: Mapping[str, object]) -> str:
    """Return the plan of a statement on a table that is too large for sequential scans."""
    with database.long_transaction() as connection:
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        connection.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        cursor = driver_connection(connection.connection).cursor()
        cursor.execute(f"EXPLAIN {statement.sql}", statement.values(values))
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
