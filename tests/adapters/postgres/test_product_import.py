"""Import and export in Postgres during concurrent writes."""

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from eggypro_adapters.contracts.product_store import NOON, make_draft, set_name
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.validation.parameters import Status
from tests.support.lock_waits import wait_until_blocked


def test_import_does_not_undo_concurrent_stock_change(
    database: Database,
) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(stock_quantity=5), NOON).slug
    with ThreadPoolExecutor(1) as threads:
        with store.begin_import() as session:
            stored = session.find_by_slugs([slug])[slug]
            adjustment = threads.submit(store.adjust_stock, slug, -3)
            wait_until_blocked(database, adjustment)
            session.write_products([], [set_name("New")(stored)], NOON)
            session.commit()
        assert adjustment.result() == 2
    product = store.get(slug)
    assert (product.name, product.stock_quantity) == ("New", 2)


def test_export_contains_all_categories_of_its_products(database: Database) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft(), NOON)

    def export() -> tuple[set[str | None], set[str]]:
        with store.export_products(Status.ALL) as snapshot:
            linked = {
                category.slug for product in snapshot.products for category in product.categories
            }
            return {category.slug for category in snapshot.categories}, linked

    with ThreadPoolExecutor(1) as threads:
        # Stops the export between reading categories and products.
        with database.long_transaction() as connection:
            connection.execute(sa.text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
            future = threads.submit(export)
            wait_until_blocked(database, future)
            for statement in (
                "INSERT INTO categories (name, slug, path) VALUES ('Eggs', 'eggs', '{eggs}')",
                "INSERT INTO product_categories SELECT p.id, c.id FROM products p, categories c",
            ):
                connection.execute(sa.text(statement))
        assert future.result() == (set(), set())
    assert export() == ({"eggs"}, {"eggs"})
