"""Import and export in Postgres during concurrent writes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_name
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.product_import import SKU_HOLDERS
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.product_files import (
    ImportEntry,
    ImportFile,
    ImportOptions,
    ImportReport,
    StockEntry,
)
from eggypro_core.domain.product_query import ALL_PRODUCTS
from eggypro_core.domain.variant import VariantDraft, VariantQuery
from eggypro_core.errors import UnavailableError
from eggypro_core.services.importing.importer import ProductImporter
from eggypro_core.services.products import ProductService
from tests.support.lock_waits import wait_until_blocked


def test_import_does_not_undo_concurrent_stock_change(
    database: Database,
) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(stock_quantity=5), NOON).slug
    with ThreadPoolExecutor(1) as threads:
        with store.begin_import() as session:
            product_id = store.get(slug).id
            session.lock_products([product_id])
            stored = session.get_products([product_id])[product_id].product
            adjustment = threads.submit(store.adjust_stock, slug, -3)
            wait_until_blocked(database, adjustment)
            session.write_products([], [(stored, set_name("New")(stored))], NOON)
            session.commit()
        assert adjustment.result() == 2
    product = store.get(slug)
    assert (product.name, product.stock_quantity) == ("New", 2)


def test_export_contains_all_categories_of_its_products(database: Database) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft(), NOON)

    def export() -> tuple[set[str | None], set[str]]:
        with store.export_products(ALL_PRODUCTS) as snapshot:
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


@contextmanager
def compared_import(
    store: PostgresProductStore, *values: dict[str, object], **options: Any
) -> Iterator[ProductImporter]:
    """Yield an import that has compared its products; it is written and committed at the end."""
    file = ImportFile("jsonl", (ImportEntry(line, item) for line, item in enumerate(values, 1)))
    with store.begin_import() as session:
        importer = ProductImporter(session, str, NOON, file, ImportOptions(**options))
        importer.read()
        importer.compare()
        yield importer
        importer.write()
        session.commit()


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def test_a_compared_import_blocks_nobody(database: Database) -> None:
    store = PostgresProductStore(database)
    for name in ("Changed", "Same"):
        store.create(make_draft(name, stock_quantity=5), NOON)
    changed: dict[str, object] = {"slug": "changed", "price": "3"}
    new: dict[str, object] = {"slug": "new", "name": "New", "price": "1", "stock_quantity": 1}
    with compared_import(store, changed, {"slug": "same", "name": "Same"}, new) as importer:
        # Another connection: a lock would make these fail after a second.
        assert store.adjust_stock("changed", -2) == 3
        store.update("changed", set_name("Renamed"))
        store.update("same", set_name("Other"))
        assert store.create(make_draft("Free"), NOON).slug == "free"
    assert counts(importer.report(is_applied=True)) == (1, 1, 1)
    product = store.get("changed")
    assert (product.name, product.price, product.stock_quantity) == ("Renamed", Decimal(3), 3)
    assert store.get("same").name == "Other"
    assert store.get("new").stock_quantity == 1


def test_a_dry_run_writes_nothing_even_within_its_transaction(database: Database) -> None:
    store = PostgresProductStore(database)
    new = ImportEntry(1, {"slug": "new", "name": "New", "price": "1"})
    with store.begin_import() as session:
        importer = ProductImporter(
            session, str, NOON, ImportFile("jsonl", iter([new])), ImportOptions(dry_run=True)
        )
        importer.read()
        importer.compare()
        assert importer.created == 1
        assert not session.find_product_ids(["new"])  # otherwise it would block other writers


def test_an_import_skips_a_product_that_is_deleted_meanwhile(database: Database) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft("Gone"), NOON)
    with compared_import(store, {"slug": "gone", "price": "3"}) as importer:
        store.delete("gone", lambda _: None)
    [warning] = importer.report(is_applied=True).warnings
    assert warning.message == "Skipped: the product was deleted during the import"


def test_a_chunked_import_commits_as_it_goes(database: Database) -> None:
    store = PostgresProductStore(database)
    store.create(make_draft("Egg"), NOON)
    values: list[dict[str, object]] = [{"slug": "egg", "price": "3"}]
    values += [
        {"slug": f"p{number}", "name": "P", "price": "1", "categories": [["Food"]]}
        for number in range(1001)
    ]
    file = ImportFile(
        "jsonl",
        (ImportEntry(line, item) for line, item in enumerate(values)),
    )
    with store.begin_import() as session:
        importer = ProductImporter(session, str, NOON, file, ImportOptions(is_chunked=True))
        importer.read()
        importer.compare()
        importer.write()
        assert store.get("egg").price == 3  # not committed as a whole yet
        assert store.get("p1000").categories[0].slug == "food"
    assert store.get("p999").price == 1


@pytest.mark.parametrize("key", ["a\0b", "\ud800", "\x1f", "x" * 100_000, "д" * 3000])
def test_handle_and_source_id_of_any_text_are_remembered(database: Database, key: str) -> None:
    store = PostgresProductStore(database)
    values = {"slug": key, "name": "Egg", "price": "5", "stock_quantity": 1}
    reports = [
        import_file(store, ImportFile("shop", iter([ImportEntry(1, values, source_id=key)])))
        for _ in range(2)
    ]
    assert [counts(report) for report in reports] == [(1, 0, 0), (0, 0, 1)]


def make_service(database: Database) -> ProductService:
    return ProductService(PostgresProductStore(database), NhHtmlCleaner(), lambda: NOON)


def import_file(store: PostgresProductStore, file: ImportFile) -> ImportReport:
    return ProductService(store, NhHtmlCleaner(), lambda: NOON).import_products(file)


def run_during(
    database: Database, write: Callable[[Database], object], work: Callable[[], object]
) -> None:
    """Run `work` during a transaction with `write`, which commits when `work` waits for it."""
    with ThreadPoolExecutor(1) as threads:
        with database.long_transaction() as connection:
            write(database.for_transaction(connection))
            future = threads.submit(work)
            wait_until_blocked(database, future)
        future.result()


def create_variants(database: Database, *sizes: str) -> list[int]:
    """Give the product `egg` variants with a stock of 5 each; return their ids."""
    store = PostgresVariantStore(database)
    drafts = [
        VariantDraft(options={"Size": size}, price=Decimal(9), sku=size, stock_quantity=5)
        for size in sizes
    ]
    return [store.create("egg", draft, NOON).id for draft in drafts]


@pytest.mark.parametrize("is_chunked", [False, True])
@pytest.mark.parametrize("has_variants", [False, True])
def test_an_import_does_not_undo_a_sale_in_progress(
    emptied_database: Database, *, has_variants: bool, is_chunked: bool
) -> None:
    store = PostgresProductStore(emptied_database)
    store.create(make_draft(slug="egg", stock_quantity=5), NOON)
    values: dict[str, object] = {"slug": "egg", "price": "3"}
    if has_variants:
        [variant_id] = create_variants(emptied_database, "S")
        values = {"slug": "egg", "variants": [{"options": {"Size": "S"}, "price": "3"}]}

    def sell(database: Database) -> None:
        if has_variants:
            PostgresVariantStore(database).adjust_stock("egg", variant_id, -3)
        else:
            PostgresProductStore(database).adjust_stock("egg", -3)

    def change_price() -> None:
        options = ImportOptions(is_chunked=is_chunked)
        make_service(emptied_database).import_products([ImportEntry(1, values)], options)

    run_during(emptied_database, sell, change_price)
    product = store.get("egg")
    assert (product.price, product.stock_quantity) == (Decimal(3), 2)


def test_stock_import_during_a_sale_sums_the_stock_of_all_variants(
    emptied_database: Database,
) -> None:
    PostgresProductStore(emptied_database).create(make_draft(slug="egg"), NOON)
    small, _ = create_variants(emptied_database, "S", "L")
    run_during(
        emptied_database,
        lambda database: PostgresVariantStore(database).adjust_stock("egg", small, -3),
        lambda: make_service(emptied_database).import_stock([StockEntry(1, "L", 7)]),
    )
    page = PostgresVariantStore(emptied_database).list(VariantQuery(product="egg"))
    assert [variant.stock_quantity for variant in page.items] == [2, 7]
    assert PostgresProductStore(emptied_database).get("egg").stock_quantity == 9


def test_long_handles_that_begin_alike_are_different_products(database: Database) -> None:
    entries = (
        ImportEntry(line, {"slug": "☃" * 300 + end, "name": "Egg", "price": "5"})
        for line, end in enumerate("ab")
    )
    report = import_file(PostgresProductStore(database), ImportFile("shop", entries))
    assert report.created == 2


def test_a_writer_of_an_imported_product_is_told_to_try_again(database: Database) -> None:
    store = PostgresProductStore(database)
    slug = store.create(make_draft(stock_quantity=5), NOON).slug
    with store.begin_import() as session:
        session.lock_products([store.get(slug).id])
        with pytest.raises(UnavailableError) as refusal:
            store.adjust_stock(slug, -1)
        assert refusal.value.retry_after == 1
        assert store.get(slug).stock_quantity == 5


def test_prepared_lookup_of_skus_uses_the_index_even_of_an_empty_table(database: Database) -> None:
    statement = SKU_HOLDERS.sql.replace("%(skus)s", "$1")
    with database.long_transaction() as connection:
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.exec_driver_sql(f"PREPARE find_holders (text[]) AS {statement}")
        plan = connection.exec_driver_sql("EXPLAIN EXECUTE find_holders ('{}')").scalars().all()
        connection.exec_driver_sql("DEALLOCATE find_holders")
    assert any("using skus_pkey on skus" in line for line in plan)
