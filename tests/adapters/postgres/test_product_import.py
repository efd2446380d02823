"""An import and an export in Postgres while others write."""

from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from eggypro_adapters.contracts.product_store import NOON, make_draft, set_name
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.validation.parameters import Status
from tests.support.lock_waits import wait_until_blocked


def test_an_import_does_not_undo_a_sale_that_comes_after_it_read_the_product(
    database: Database,
) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(stock_quantity=5), NOON).slug
    with ThreadPoolExecutor(1) as threads:
        with store.begin_import() as load:
            known = load.find_by_slugs([slug])[slug]
            sale = threads.submit(store.adjust_stock, slug, -3)
            wait_until_blocked(database, sale)
            load.write_products([], [set_name("New")(known)], NOON)
            load.commit()
        assert sale.result() == 2
    product = store.get(slug)
    assert (product.name, product.stock_quantity) == ("New", 2)


def test_an_export_has_each_category_that_its_products_are_in(database: Database) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft(), NOON)

    def export() -> tuple[set[str | None], set[str]]:
        with store.export_products(Status.ALL) as exported:
            linked = {one.slug for product in exported.products for one in product.categories}
            return {category.slug for category in exported.categories}, linked

    with ThreadPoolExecutor(1) as threads:
        with (
            database.long_transaction() as connection
        ):  # between its reads of categories and of products
            connection.execute(sa.text("LOCK TABLE products IN ACCESS EXCLUSIVE MODE"))
            exported = threads.submit(export)
            wait_until_blocked(database, exported)
            for statement in (
                "INSERT INTO categories (name, slug, path) VALUES ('Eggs', 'eggs', '{eggs}')",
                "INSERT INTO product_categories SELECT p.id, c.id FROM products p, categories c",
            ):
                connection.execute(sa.text(statement))
        assert exported.result() == (set(), set())
    assert export() == ({"eggs"}, {"eggs"})
