import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_for_result
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.schema import HEAD_REVISION, metadata
from eggypro_core.domain.category import CategoryQuery
from eggypro_core.domain.field_definition import FieldDefinition
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.variant import VARIANT_FIELDS
from eggypro_core.errors import ValidationError
from eggypro_core.validation.fields import schema_of
from eggypro_core.validation.parameters import Status
from tests.support.lock_waits import terminate_connections, wait_until_blocked

SEED_TABLES = ["products", "reviews", "categories", "product_categories", "api_metrics"]
SEED_INDEXES = [
    "products_slug_idx",
    "products_name_idx",
    "products_price_idx",
    "products_stock_idx",
    "products_active_idx",
    "reviews_product_id_idx",
    "reviews_rating_idx",
    "reviews_verified_idx",
    "categories_slug_idx",
    "api_metrics_endpoint_idx",
    "api_metrics_timestamp_idx",
]


@pytest.fixture
def empty_database(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> Database:
    return connect_database(empty_database_url)


def test_ten_concurrent_upgrades_run_once(
    empty_database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    def upgrade() -> str | None:
        migrations = PostgresMigrations(connect_database(empty_database_url))
        migrations.upgrade()
        return migrations.current()

    with ThreadPoolExecutor(10) as threads:
        futures = [threads.submit(upgrade) for _ in range(10)]
        try:
            assert [wait_for_result(future) for future in futures] == [HEAD_REVISION] * 10
        finally:
            terminate_connections(empty_database_url)  # of upgrades that wait for each other


def test_schema_downgrades_to_empty_and_upgrades_again(empty_database: Database) -> None:
    migrations = PostgresMigrations(empty_database)
    assert (migrations.current(), empty_database.revision()) == (None, None)
    migrations.upgrade()
    migrations.downgrade("base")
    assert migrations.current() is None
    tables = sa.inspect(empty_database.engine).get_table_names()
    assert tables == ["alembic_version"]
    migrations.upgrade()
    assert (migrations.current(), empty_database.revision()) == (HEAD_REVISION, HEAD_REVISION)
    assert not migrations.differences()


def test_table_sizes_list_all_tables(database: Database) -> None:
    sizes = {size.name: size for size in PostgresMigrations(database).table_sizes()}
    assert {*SEED_TABLES, "alembic_version"} < sizes.keys()
    assert sizes["products"].rows == 0
    assert sizes["products"].bytes > 0


@pytest.mark.parametrize(("options", "is_read_only"), [([], True), (["--write"], False)])
def test_studio_opens_the_configured_database(
    database_url: sa.URL, options: list[str], *, is_read_only: bool
) -> None:
    url = database_url.render_as_string(hide_password=False)
    process = subprocess.run(
        [sys.executable, "-m", "eggypro_cli", "db", "studio", "--tool", "psql", *options],
        input="CREATE TABLE strange (); SELECT 'at ' || version_num FROM alembic_version;",
        env={**os.environ, "POSTGRES_URL": url},
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"at {HEAD_REVISION}" in process.stdout
    assert ("read-only transaction" in process.stderr) == is_read_only


def test_differences_include_an_outdated_revision(empty_database: Database) -> None:
    assert f"the code at {HEAD_REVISION}" in " ".join(
        PostgresMigrations(empty_database).differences()
    )


def test_newest_migration_is_the_head_revision(empty_database: Database) -> None:
    revision, description = PostgresMigrations(empty_database).history()[0]
    assert revision == HEAD_REVISION
    assert description


@pytest.mark.parametrize(
    ("table", "definitions"), [("products", PRODUCT_FIELDS), ("variants", VARIANT_FIELDS)]
)
def test_columns_have_the_limits_of_their_fields(
    table: str, definitions: Sequence[FieldDefinition]
) -> None:
    for definition in definitions:
        column = metadata.tables[table].c[definition.name]
        assert column.nullable == definition.nullable
        if length := getattr(column.type, "length", None):
            assert schema_of(definition.validator)["maxLength"] == length


def test_upgrade_to_unknown_revision_raises_validation_error(empty_database: Database) -> None:
    with pytest.raises(ValidationError):
        PostgresMigrations(empty_database).upgrade("nonsense")


def test_all_tables_and_indexes_of_the_seed_exist(emptied_database: Database) -> None:
    inspector = sa.inspect(emptied_database.engine)
    assert set(SEED_TABLES) <= set(inspector.get_table_names())
    indexes = {index["name"] for name in SEED_TABLES for index in inspector.get_indexes(name)}
    assert set(SEED_INDEXES) <= indexes


@pytest.mark.parametrize(
    "assignment",
    [
        "name = ''",
        "slug = 'Not A Slug'",
        "sku = ''",
        "description = repeat('x', 5001)",
        "details = repeat('x', 50001)",
        "price = 0",
        "price = 1000000",
        "compare_at_price = price",
        "images = array_fill('x'::text, '{51}'), image_alts = array_fill(''::text, '{51}')",
        "images = '{x}'",
        "ingredients = array_fill('x'::text, '{51}')",
        "attributes = '[]'",
        "stock_quantity = -1",
        "version = 0",
        "rating_average = 5",
        "rating_average = 5.5, rating_count = 1",
        "variant_count = -1",
        "created_at = NULL",
    ],
)
def test_check_constraints_reject_invalid_products(
    emptied_database: Database, assignment: str
) -> None:
    PostgresProductStore(emptied_database).create(make_draft(), NOON)
    with pytest.raises(sa.exc.IntegrityError), emptied_database.long_transaction() as connection:
        connection.execute(sa.text(f"UPDATE products SET {assignment}"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO reviews (product_id, reviewer_name, rating, comment) VALUES (99, 'a', 5, 'b')",
        "INSERT INTO reviews (product_id, reviewer_name, rating, comment) VALUES (1, 'a', 6, 'b')",
        "INSERT INTO reviews (product_id, reviewer_name, rating, comment) VALUES (1, 'a', 5, '')",
        "INSERT INTO product_categories VALUES (1, 99)",
        "INSERT INTO slug_aliases VALUES ('x', 99)",
        "INSERT INTO categories (name, slug, parent_id) VALUES ('a', 'a', 99)",
        (
            "INSERT INTO categories (id, name, slug, parent_id) OVERRIDING SYSTEM VALUE"
            " VALUES (7, 'a', 'a', 7)"
        ),
        (
            "INSERT INTO api_metrics (endpoint, method, status_code, response_time)"
            " VALUES ('/', 'GET', 7, 1)"
        ),
    ],
)
def test_constraints_reject_invalid_rows_and_references(
    emptied_database: Database, statement: str
) -> None:
    PostgresProductStore(emptied_database).create(make_draft(), NOON)
    with pytest.raises(sa.exc.IntegrityError), emptied_database.long_transaction() as connection:
        connection.execute(sa.text(statement))


def test_delete_of_a_product_cascades_to_reviews_and_category_links(
    emptied_database: Database,
) -> None:
    store = PostgresProductStore(emptied_database)
    product = store.create(make_draft(), NOON)
    with emptied_database.long_transaction() as connection:
        connection.execute(sa.text("INSERT INTO categories (name, slug) VALUES ('a', 'a')"))
        connection.execute(
            sa.text(
                "INSERT INTO reviews (product_id, reviewer_name, rating, comment)"
                " VALUES (:id, 'a', 5, 'b')"
            ),
            {"id": product.id},
        )
        connection.execute(
            sa.text("INSERT INTO product_categories SELECT :id, id FROM categories"),
            {"id": product.id},
        )
    store.delete("egg-white", lambda _: None)
    with emptied_database.long_transaction() as connection:
        counts = [
            connection.scalar(sa.select(sa.func.count()).select_from(metadata.tables[name]))
            for name in ("reviews", "product_categories", "categories")
        ]
    assert counts == [0, 0, 1]


def test_upgrade_computes_paths_of_existing_categories(empty_database: Database) -> None:
    migrations = PostgresMigrations(empty_database)
    migrations.upgrade("0001")
    with empty_database.long_transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO categories (name, slug, parent_id, is_active)"
                " VALUES ('A', 'a', null, false), ('B', 'b', 1, true), ('C', 'c', null, true)"
            )
        )
    migrations.upgrade()
    store = PostgresCategoryStore(empty_database)
    categories = [store.get(slug) for slug in "abc"]
    assert [category.path for category in categories] == [("a",), ("a", "b"), ("c",)]
    assert [category.is_visible for category in categories] == [False, False, True]
    page = store.list(CategoryQuery(status=Status.ALL, limit=1))
    assert page.items == (categories[0],)


def test_upgrade_copies_the_sku_of_a_product_that_is_being_created(
    empty_database: Database,
) -> None:
    migrations = PostgresMigrations(empty_database)
    migrations.upgrade("0001")
    with ThreadPoolExecutor(1) as threads:
        with empty_database.long_transaction() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO products (name, slug, sku, description, details, price, name_key)"
                    " VALUES ('Egg', 'egg', 'EGG-1', '', '', 1, 'egg')"
                )
            )
            upgrade = threads.submit(migrations.upgrade, "0002")
            wait_until_blocked(empty_database, upgrade)
        wait_for_result(upgrade)
    with empty_database.long_transaction() as connection:
        assert connection.execute(sa.text("SELECT sku, product_id FROM skus")).all() == [
            ("EGG-1", 1)
        ]
