"""The upgrade to revision 0011 fills new fields from attributes, in batches."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_for_result
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.migrations.attribute_fields import (
    BATCH_SIZE,
    fields_of_attributes,
    fill_product_fields,
)
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_query import ProductQuery
from tests.support.lock_waits import wait_until_blocked

IMPORTED = {
    "Vendor": "Acme & Co",
    "Tags": "vegan, New,, VEGAN",
    "Barcode": "4006381333931",
    "Weight": "1250.5 g",
    "Colour": "red",
}
INSERT = sa.text("""
    INSERT INTO products (name, slug, description, details, price, attributes, name_key)
    SELECT slug, slug, '', '', 1, CAST(:attributes AS json), slug
    FROM (SELECT CAST(:slug AS text)) AS new (slug)
""")
"""An insert of the previous version, without the new columns."""
INSERT_SEARCH_ROWS = sa.text("""
    INSERT INTO product_search (product_id, score, price, is_active, words)
    SELECT id, 0, price, is_active, CAST('Aimported Dacme Dco' AS tsvector) FROM products
    WHERE slug = 'imported'
""")


@pytest.fixture
def former_database(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> Database:
    """Return a database at the previous revision."""
    database = connect_database(empty_database_url)
    PostgresMigrations(database).upgrade("0010")
    return database


def insert_products(database: Database, products: Mapping[str, Mapping[str, str]]) -> None:
    rows = [{"slug": slug, "attributes": json.dumps(texts)} for slug, texts in products.items()]
    with database.long_transaction() as connection:
        connection.execute(INSERT, rows)


def new_fields(product: Product) -> tuple[object, ...]:
    return product.brand, product.tags, product.gtin, product.weight_grams


@pytest.mark.parametrize(
    ("attributes", "fields"),
    [
        ({}, {}),
        ({"Colour": "red", "vendor": "x", "weight": "5 g"}, {}),
        ({"Brand": "Eggy"}, {"brand": "Eggy"}),
        ({"Brand": "Eggy", "Vendor": "Acme"}, {"brand": "Acme"}),
        ({"Brand": "Eggy", "Vendor": "x" * 256}, {"brand": "Eggy"}),
        ({"Tags": "a,b, A ,c"}, {"tags": ("a", "b", "c")}),
        ({"Tags": " , "}, {}),
        ({"Tags": f"{'x' * 256},b"}, {"tags": ("b",)}),
        ({"Barcode": "4006381333931"}, {"gtin": "4006381333931"}),
        ({"Barcode": "'4006381333931"}, {"gtin": "4006381333931"}),
        ({"Barcode": "4006381333932"}, {}),
        ({"Barcode": "B-17"}, {}),
        ({"Weight": "0 g"}, {"weight_grams": 0}),
        ({"Weight": "12.5 g"}, {"weight_grams": 13}),
        ({"Weight": "2147483648 g"}, {}),
        ({"Weight": "1 kg"}, {}),
        ({"Weight": "500g"}, {}),
    ],
)
def test_valid_attributes_become_fields(
    attributes: dict[str, str], fields: dict[str, object]
) -> None:
    assert fields_of_attributes(attributes) == fields


def test_many_tags_are_cut_to_the_limit() -> None:
    tags: Any = fields_of_attributes({"Tags": ",".join(map(str, range(300)))})["tags"]
    assert len(tags) == 250


def test_batches_end_after_the_last_product(former_database: Database) -> None:
    insert_products(former_database, {"imported": IMPORTED, "plain": {}})
    PostgresMigrations(former_database)._upgrade_schema("head")
    with former_database.long_transaction() as connection:
        assert [fill_product_fields(connection) for _ in range(3)] == [True, False, False]


def test_an_upgrade_fills_fields_and_search_rows_and_keeps_attributes(
    former_database: Database,
) -> None:
    insert_products(former_database, {"imported": IMPORTED, "plain": {"Colour": "red"}})
    with former_database.long_transaction() as connection:
        connection.execute(INSERT_SEARCH_ROWS)
    migrations = PostgresMigrations(former_database)
    for _ in range(2):
        migrations.upgrade()
        assert not migrations.differences()
        store = PostgresProductStore(former_database)
        imported, plain = store.get("imported"), store.get("plain")
        assert new_fields(imported) == ("Acme & Co", ("vegan", "New"), "4006381333931", 1251)
        assert imported.attributes == IMPORTED
        assert (imported.version, imported.is_listed) == (1, True)
        assert new_fields(plain) == (None, (), None, None)
        for search in ("acme", "vegan", "4006381333931"):
            page = store.list(ProductQuery(search=search))
            assert [product.slug for product in page.items] == ["imported"]
        with former_database.long_transaction() as connection:
            words = connection.scalar(
                sa.text("SELECT words FROM product_search WHERE product_id = 1")
            )
        assert "'Bacme'" in str(words)
        migrations.downgrade("0010")
    migrations.upgrade()


def test_an_interrupted_upgrade_goes_on_and_fills_each_product_once(
    former_database: Database,
) -> None:
    insert_products(
        former_database, {f"x{number}": {"Vendor": "Acme"} for number in range(BATCH_SIZE + 1)}
    )
    migrations = PostgresMigrations(former_database)
    migrations._upgrade_schema("head")
    with former_database.long_transaction() as connection:
        assert fill_product_fields(connection)
    store = PostgresProductStore(former_database)
    assert (store.get("x0").brand, store.get(f"x{BATCH_SIZE}").brand) == ("Acme", None)
    differences = migrations.differences()
    for difference in (
        "product_fields is not complete: 1 product is left",
        "Missing in the database: index products_gtin_idx of products",
        "Not validated in the database: constraint products_gtin_check of products",
    ):
        assert f"{difference}. Run `eggypro db upgrade`" in differences
    store.update("x0", lambda product: evolve(product, brand=None, version=2))
    migrations.upgrade()
    assert (store.get("x0").brand, store.get(f"x{BATCH_SIZE}").brand) == (None, "Acme")
    assert not migrations.differences()
    insert_products(former_database, {"later": {"Vendor": "Acme"}})
    migrations.upgrade()
    assert (store.get("x0").brand, store.get("later").brand) == (None, None)
    assert (store.get("later").tags, store.get("later").is_listed) == ((), True)


@pytest.mark.parametrize("is_import", [False, True])
def test_a_batch_waits_for_imports_and_edits_in_progress(
    former_database: Database, *, is_import: bool
) -> None:
    insert_products(former_database, {"egg": {"Vendor": "Acme"}})
    PostgresMigrations(former_database)._upgrade_schema("head")

    def fill() -> None:
        with former_database.long_transaction() as connection:
            fill_product_fields(connection)

    with ThreadPoolExecutor(1) as threads:
        with former_database.long_transaction() as connection:
            if is_import:
                wait_for_lock(connection, IMPORT_LOCK)
            else:
                edit = """UPDATE products SET attributes = '{"Vendor": "New"}'"""
                connection.execute(sa.text(edit))
            batch = threads.submit(fill)
            wait_until_blocked(former_database, batch)
        wait_for_result(batch)
    brand = PostgresProductStore(former_database).get("egg").brand
    assert brand == ("Acme" if is_import else "New")


@pytest.mark.parametrize("has_pooler", [False, True])
def test_missing_and_invalid_indexes_are_created_again(
    database: Database,
    database_url: sa.URL,
    connect_database: Callable[..., Database],
    has_pooler: bool,  # noqa: FBT001  (a parameter of a test)
) -> None:
    with database.long_transaction() as connection:
        connection.execute(sa.text("DROP INDEX products_name_idx, products_slug_idx"))
        connection.execute(
            sa.text(
                "UPDATE pg_index SET indisvalid = false"
                " WHERE indexrelid = CAST('products_gtin_idx' AS regclass)"
            )
        )
    migrations = PostgresMigrations(
        connect_database(database_url, size=1, pooler=lambda _: has_pooler)
    )
    invalid = "Not valid in the database: index products_gtin_idx. Run `eggypro db upgrade`"
    assert invalid in migrations.differences()
    migrations.upgrade()
    assert not migrations.differences()
    with database.long_transaction() as connection:
        count = sa.text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")
        assert connection.scalar(count) == 0


def test_an_index_is_created_without_delaying_writers(database: Database) -> None:
    insert_products(database, {"egg": {}})
    with database.long_transaction() as connection:
        connection.execute(sa.text("DROP INDEX products_name_idx"))
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            connection.execute(sa.text("UPDATE products SET name = 'Ham'"))
            upgrade = threads.submit(PostgresMigrations(database).upgrade)
            wait_until_blocked(database, upgrade)
            PostgresProductStore(database).create(make_draft(), NOON)
        wait_for_result(upgrade)
    assert not PostgresMigrations(database).differences()


def test_a_downgrade_keeps_products_but_not_their_long_skus(former_database: Database) -> None:
    migrations = PostgresMigrations(former_database)
    migrations.upgrade()
    store = PostgresProductStore(former_database)
    store.create(make_draft("Long", sku="x" * 255, gtin="96385074"), NOON)
    store.create(make_draft("Short", sku="x" * 100), NOON)
    migrations.downgrade("0010")
    with former_database.long_transaction() as connection:
        skus = connection.execute(sa.text("SELECT slug, sku FROM products ORDER BY id")).all()
    assert skus == [("long", None), ("short", "x" * 100)]
    migrations.upgrade()
    assert store.get("short").sku == "x" * 100
