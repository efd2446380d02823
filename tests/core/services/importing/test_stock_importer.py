"""Tests of stock imports in memory and in Postgres: matching of rows, messages and locks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.product_store import make_draft, set_name
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core import ImportMessage, ImportOptions, ImportReport, Shop, Status, StockEntry
from eggypro_core.domain.product_files import StockFile
from eggypro_core.services.importing import stock_importer
from eggypro_core.services.importing.stock_importer import StockImporter
from tests.support.builders import ShopStores, make_shop, product_values, variant_values
from tests.support.lock_waits import wait_until_blocked

SMALL: dict[str, str] = {"Size": "S"}
LARGE: dict[str, str] = {"Size": "L"}


@pytest.fixture(params=["memory", "postgres"])
def shop(request: pytest.FixtureRequest) -> Shop:
    """A shop with a simple product and one with two variants, one of them with a SKU."""
    stores = None
    if request.param == "postgres":
        stores = ShopStores.in_postgres(request.getfixturevalue("emptied_database"))
    return fill(make_shop(stores=stores))


def fill(shop: Shop) -> Shop:
    shop.products.create(product_values(name="Mug", sku="M-1", stock_quantity=3))
    shop.products.create(product_values(name="Shirt", sku="SH"))
    for options, sku in ((SMALL, "SH-S"), (LARGE, None)):
        shop.variants.create("shirt", variant_values(options=options, sku=sku, stock_quantity=1))
    return shop


def import_stock(shop: Shop, *entries: StockEntry, **options: Any) -> ImportReport:
    return shop.products.import_stock(entries, ImportOptions(**options))


def stock(shop: Shop) -> Mapping[str, int]:
    """Return the stock by slug and options."""
    products = [shop.products.get(slug) for slug in ("mug", "shirt")]
    own = {product.slug: product.stock_quantity for product in products}
    return own | {
        variant.options["Size"]: variant.stock_quantity for variant in products[1].variants
    }


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.changed, report.unchanged, report.warning_total


def test_skus_of_products_and_variants_set_their_stock(shop: Shop) -> None:
    report = import_stock(shop, StockEntry(2, "M-1", 7), StockEntry(3, "SH-S", 5))
    assert counts(report) == (2, 0, 0)
    assert report.is_applied
    assert [(each.slug, each.action, each.fields) for each in report.differences] == [
        ("mug", "updated", {"stock_quantity": ("3", "7")}),
        ("shirt", "updated", {"variants[Size: S].stock_quantity": ("1", "5")}),
    ]
    assert stock(shop) == {"mug": 7, "shirt": 6, "S": 5, "L": 1}


def test_same_file_again_changes_nothing(shop: Shop) -> None:
    entries = StockEntry(2, "M-1", 7), StockEntry(3, "", 5, "shirt", LARGE)
    assert counts(import_stock(shop, *entries)) == (2, 0, 0)
    assert counts(import_stock(shop, *entries)) == (0, 2, 0)


@pytest.mark.parametrize("handle", ["shirt", "SHIRT", " Shirt™"])
def test_handle_and_options_find_a_variant_without_a_sku(shop: Shop, handle: str) -> None:
    import_stock(shop, StockEntry(2, "", 9, handle, LARGE))
    assert stock(shop) == {"mug": 3, "shirt": 10, "S": 1, "L": 9}


def test_handle_alone_finds_a_simple_product(shop: Shop) -> None:
    import_stock(shop, StockEntry(2, "", 9, "mug"))
    assert stock(shop)["mug"] == 9


def test_offer_without_a_sku_is_found_although_another_has_the_sku_of_the_row(shop: Shop) -> None:
    """An import leaves out a repeated SKU after its first use."""
    entries = StockEntry(2, "SH-S", 4, "shirt", SMALL), StockEntry(3, "SH-S", 6, "shirt", LARGE)
    assert counts(import_stock(shop, *entries)) == (1, 0, 0)
    assert stock(shop) == {"mug": 3, "shirt": 10, "S": 4, "L": 6}


def test_sku_decides_when_the_handle_is_that_of_another_product(shop: Shop) -> None:
    import_stock(shop, StockEntry(2, "M-1", 8, "shirt", SMALL))
    assert stock(shop) == {"mug": 8, "shirt": 2, "S": 1, "L": 1}


@pytest.mark.parametrize(
    ("entry", "field", "message"),
    [
        (StockEntry(2, "X", 1), "sku", "There is no product or variant with the SKU 'X': ignored"),
        (
            StockEntry(2, "A\0\ud800", 1),
            "sku",
            "There is no product or variant with the SKU 'A\ufffd\ufffd': ignored",
        ),
        (
            StockEntry(2, "OTHER", 1, "shirt", SMALL),
            "sku",
            "There is no product or variant with the SKU 'OTHER': ignored",
        ),
        (StockEntry(2, "", 1, "cap"), "slug", "There is no product 'cap': ignored"),
        (StockEntry(2, "", 1, "\0"), "slug", "There is no product '\ufffd': ignored"),
        (
            StockEntry(2, "", 1, "shirt", {"Size": "XL"}),
            "variants",
            "There is no variant Size: XL of the product 'shirt': ignored",
        ),
        (
            StockEntry(2, "", 1, "mug", SMALL),
            "variants",
            "There is no variant Size: S of the product 'mug': ignored",
        ),
    ],
)
def test_unknown_offer_is_ignored_with_a_warning(
    shop: Shop, entry: StockEntry, field: str, message: str
) -> None:
    report = import_stock(shop, entry, StockEntry(3, "M-1", 7))
    assert [(each.line, each.field, each.message) for each in report.warnings] == [
        (2, field, message)
    ]
    assert counts(report) == (1, 0, 1)
    assert stock(shop) == {"mug": 7, "shirt": 2, "S": 1, "L": 1}


@pytest.mark.parametrize("entry", [StockEntry(2, "SH", 9), StockEntry(2, "", 9, "shirt")])
def test_stock_of_a_product_with_variants_is_ignored_with_a_warning(
    shop: Shop, entry: StockEntry
) -> None:
    report = import_stock(shop, entry)
    message = (
        "The stock of 'shirt' is the sum of its variants: ignored;"
        " set it by the SKUs of the variants"
    )
    assert report.warnings == (ImportMessage(2, "stock_quantity", message, value="9"),)
    assert counts(report) == (0, 1, 1)
    assert stock(shop)["shirt"] == 2


def test_untracked_offers_become_tracked_with_a_warning(shop: Shop) -> None:
    shop.products.update("mug", {"track_stock": False, "stock_quantity": 7})
    small = shop.products.get("shirt").variants[0]
    shop.variants.update("shirt", small.id, {"track_stock": False})
    report = import_stock(shop, StockEntry(2, "M-1", 7), StockEntry(3, "SH-S", 5))
    message = "The stock was not tracked: it is tracked from now on"
    assert [(each.line, each.value, each.message) for each in report.warnings] == [
        (2, "7", message),
        (3, "5", message),
    ]
    assert [each.fields for each in report.differences] == [
        {"track_stock": ("false", "true")},
        {
            "variants[Size: S].stock_quantity": ("1", "5"),
            "variants[Size: S].track_stock": ("false", "true"),
        },
    ]
    assert shop.products.get("mug").track_stock
    assert shop.products.get("shirt").variants[0].track_stock


def test_different_quantities_of_an_offer_are_refused(shop: Shop) -> None:
    entries = StockEntry(2, "M-1", 7), StockEntry(3, "SH-S", 4), StockEntry(4, "M-1", 8)
    report = import_stock(shop, *entries)
    message = "Lines 2 and 4 have different quantities of 'M-1': keep one of them"
    assert report.refused == (ImportMessage(4, "stock_quantity", message, value="8"),)
    assert (report.is_applied, report.changed, report.differences) == (False, 0, ())
    assert stock(shop) == {"mug": 3, "shirt": 2, "S": 1, "L": 1}
    assert import_stock(shop, *entries, keep_going=True).is_applied
    assert stock(shop) == {"mug": 3, "shirt": 5, "S": 4, "L": 1}


def test_same_quantity_twice_is_taken_once_with_a_warning(shop: Shop) -> None:
    report = import_stock(shop, StockEntry(2, "M-1", 7), StockEntry(4, "", 7, "mug"))
    assert [each.message for each in report.warnings] == ["Skipped: the row repeats line 2"]
    assert stock(shop)["mug"] == 7


def test_errors_of_the_file_refuse_all_unless_it_keeps_going(shop: Shop) -> None:
    bad = StockEntry(3, "", None, errors=(ImportMessage(3, "stock_quantity", "Bad"),))
    assert not import_stock(shop, StockEntry(2, "M-1", 7), bad).is_applied
    assert stock(shop)["mug"] == 3
    assert import_stock(shop, StockEntry(2, "M-1", 7), bad, keep_going=True).changed == 1
    assert stock(shop)["mug"] == 7


def test_versions_and_times_stay(shop: Shop) -> None:
    before = [shop.products.get(slug) for slug in ("mug", "shirt")]
    import_stock(shop, StockEntry(2, "M-1", 7), StockEntry(3, "SH-S", 5))
    after = [shop.products.get(slug) for slug in ("mug", "shirt")]
    assert [(each.version, each.updated_at) for each in after] == [
        (each.version, each.updated_at) for each in before
    ]


def test_archived_products_keep_their_status(shop: Shop) -> None:
    shop.products.archive("mug")
    assert import_stock(shop, StockEntry(2, "M-1", 7)).changed == 1
    product = shop.products.get("mug", Status.ALL)
    assert (product.stock_quantity, product.is_active) == (7, False)


def test_dry_run_reports_like_the_import_and_changes_nothing(shop: Shop) -> None:
    entries = StockEntry(2, "M-1", 7), StockEntry(3, "SH-S", 1), StockEntry(4, "X", 1)
    tried = import_stock(shop, *entries, dry_run=True)
    assert stock(shop) == {"mug": 3, "shirt": 2, "S": 1, "L": 1}
    done = import_stock(shop, *entries)
    assert (tried.dry_run, tried.is_applied, done.is_applied) == (True, False, True)
    assert counts(tried) == counts(done) == (1, 1, 1)
    assert (tried.differences, tried.warnings) == (done.differences, done.warnings)


def test_variants_of_a_product_in_several_batches_are_one_change(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_importer, "STOCK_BATCH_SIZE", 1)
    entries = (
        StockEntry(2, "SH-S", 5),
        StockEntry(3, "M-1", 7),
        StockEntry(4, "", 6, "shirt", LARGE),
    )
    report = import_stock(shop, *entries)
    assert counts(report) == (2, 0, 0)
    assert stock(shop) == {"mug": 7, "shirt": 11, "S": 5, "L": 6}


def test_listener_gets_every_message_and_change(shop: Shop) -> None:
    records: list[str] = []
    shop.products.import_stock(
        [StockEntry(2, "X", 1), StockEntry(3, "M-1", 7)],
        listener=lambda kind, _: records.append(kind),
    )
    assert records == ["warning", "change"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_table_of_another_program_sets_the_stock(shop: Shop, encoding: str) -> None:
    text = "Artikelnummer;Bezeichnung;Verfügbar\r\nM-1;Becher;12\r\nSH-S;Hemd;\r\n"
    report = shop.products.import_stock_file(BytesIO(text.encode(encoding)))
    assert report.changed == 1
    assert stock(shop) == {"mug": 12, "shirt": 2, "S": 1, "L": 1}


@given(
    rows=st.dictionaries(st.sampled_from(["M-1", "SH-S", "L", "X"]), st.integers(0, 2**31 - 1)),
    start=st.integers(0, 9),
)
def test_stock_is_that_of_the_file(rows: dict[str, int], start: int) -> None:
    shop = fill(make_shop())
    shop.products.set_stock("mug", start)
    before = dict(stock(shop))
    entries = [
        StockEntry(line, "", quantity, "shirt", LARGE)
        if sku == "L"
        else StockEntry(line, sku, quantity)
        for line, (sku, quantity) in enumerate(rows.items(), 2)
    ]
    import_stock(shop, *entries)
    after = stock(shop)
    names = {"mug": "M-1", "S": "SH-S", "L": "L"}
    assert {name: after[name] for name in names} == {
        name: rows.get(sku, before[name]) for name, sku in names.items()
    }
    assert after["shirt"] == min(after["S"] + after["L"], 2**31 - 1)


def test_only_changing_products_are_locked_and_edits_meanwhile_stay(
    emptied_database: Database,
) -> None:
    store = PostgresProductStore(emptied_database)
    for sku in ("A", "B"):
        store.create(make_draft(sku=sku, slug=sku.lower(), stock_quantity=1), NOON)
    with ThreadPoolExecutor(1) as threads, store.begin_import() as session:
        file = StockFile(iter([StockEntry(2, "A", 1), StockEntry(3, "B", 2)]))
        importer = StockImporter(session, file, ImportOptions())
        importer.read()
        importer.compare()
        store.update("b", set_name("New"))  # nothing is locked yet
        importer.write()
        store.update("a", set_name("Free"))  # never locked
        adjustment = threads.submit(store.adjust_stock, "b", 3)
        wait_until_blocked(emptied_database, adjustment)
        session.commit()
        session.__exit__(None, None, None)
        assert adjustment.result() == 5
    assert [(p.name, p.stock_quantity) for p in map(store.get, ("a", "b"))] == [
        ("Free", 1),
        ("New", 5),
    ]
