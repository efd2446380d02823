"""Tests of imports: results, atomicity, errors and warnings by line."""

import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.product_files import (
    ImportEntry,
    ImportFile,
    ImportMessage,
    ImportOptions,
    ImportReport,
)
from eggypro_core.errors import NotFoundError
from eggypro_core.services.importing import importer as importer_module
from eggypro_core.services.importing.importer import IMPORT_BATCH_SIZE, MAX_ERRORS, ProductImporter
from eggypro_core.services.importing.recorder import MAX_REPORTED
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status
from tests.support.imports import (
    BAD,
    BAD_PRICE,
    GOOD,
    OTHER,
    counts,
    entries,
    stored_products,
    texts,
)

STOCKED: dict[str, object] = GOOD | {"stock_quantity": 1}
"""A product whose import gives no warning."""


def test_a_product_is_created_with_all_fields(products: ProductService, clock: FakeClock) -> None:
    values: dict[str, object] = {
        "name": "Egg White",
        "sku": "EW",
        "gtin": "4006381333931",
        "brand": "Acme",
        "tags": ["a", "b"],
        "weight_grams": "499.5",
        "price": "24.990",
        "compare_at_price": Decimal(30),
        "details": "<p>x<script>y</script></p>",
        "ingredients": ["egg"],
        "attributes": {"fat": "1 g"},
        "images": [{"ref": "https://x.example/1.jpg", "alt": "One"}],
        "stock_quantity": 4,
        "is_active": False,
        "is_listed": False,
    }
    report = products.import_products(entries(values))
    assert report == ImportReport(
        created=1, differences=report.differences, difference_total=1, is_applied=True
    )
    product = products.get("egg-white", Status.ARCHIVED)
    assert (product.version, product.created_at, product.details) == (1, clock.now, "<p>x</p>")
    assert (product.sku, product.price, product.stock_quantity) == ("EW", Decimal("24.99"), 4)
    assert (product.gtin, product.brand, product.tags) == ("4006381333931", "Acme", ("a", "b"))
    assert (product.weight_grams, product.is_listed, product.images[0].alt) == (500, False, "One")


def test_name_and_price_are_sufficient(products: ProductService) -> None:
    assert counts(products.import_products(entries({"name": "Egg", "price": 5}))) == (1, 0, 0)
    product = products.get("egg")
    assert (product.ingredients, product.description, product.is_active) == ((), "", True)


def test_known_products_are_changed_or_unchanged(
    products: ProductService, clock: FakeClock
) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = stored_products(products)
    clock.advance()
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, {"name": "New", "price": "1"})
    )
    assert counts(report) == (1, 1, 1)
    after = stored_products(products)
    assert after["other"] == before["other"]
    assert after["good"] == evolve(
        before["good"], price=Decimal(7), version=2, updated_at=clock.now
    )


def test_the_same_file_again_changes_nothing(products: ProductService, clock: FakeClock) -> None:
    file = entries(GOOD, OTHER | {"sku": "O"}, {"name": "No Slug", "price": "1"})
    assert counts(products.import_products(file)) == (3, 0, 0)
    before = stored_products(products)
    clock.advance()
    report = products.import_products(file)
    assert report == ImportReport(unchanged=3, is_applied=True)
    assert stored_products(products) == before


def test_an_empty_file_does_nothing(products: ProductService) -> None:
    assert products.import_products([]) == ImportReport(is_applied=True)


# Errors


def test_an_error_rolls_back_the_whole_import(products: ProductService) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = stored_products(products)
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, BAD, {"name": "New", "price": 1})
    )
    assert (counts(report), report.is_applied) == ((0, 0, 1), False)
    assert report.refused == (ImportMessage(4, "price", BAD_PRICE, value="x"),)
    assert stored_products(products) == before


def test_keep_going_stores_all_valid_rows(products: ProductService) -> None:
    report = products.import_products(entries(GOOD, BAD, OTHER), ImportOptions(keep_going=True))
    assert (counts(report), report.is_applied) == ((2, 0, 0), True)
    assert [message.line for message in report.refused] == [3]
    assert stored_products(products).keys() == {"good", "other"}


@pytest.mark.parametrize(("keep_going", "created"), [(False, 0), (True, 1)])
def test_a_dry_run_with_errors_counts_what_would_be_stored(
    products: ProductService, *, keep_going: bool, created: int
) -> None:
    report = products.import_products(
        entries(GOOD, BAD), ImportOptions(dry_run=True, keep_going=keep_going)
    )
    assert (counts(report), report.dry_run, report.is_applied) == ((created, 0, 0), True, False)
    assert stored_products(products) == {}


def test_all_errors_of_a_row_are_reported_together(products: ProductService) -> None:
    report = products.import_products(entries({"slug": 1, "price": "x", "colour": 1, "name": 2}))
    assert report.refused == (ImportMessage(2, "price", BAD_PRICE, value="x"),)
    report = products.import_products(
        entries({"slug": 1, "price": "1", "colour": "red", "name": 2, "ingredients": ["a", 1]})
    )
    assert {(message.line, message.field, message.value) for message in report.refused} == {
        *((2, "slug", "1"), (2, "name", "2"), (2, "colour", "red"), (2, "ingredients", "")),
    }


def test_a_row_needs_a_handle_or_a_name_and_a_new_product_a_name(products: ProductService) -> None:
    rows = [{"price": "1"}, {"slug": "new", "price": "1"}]
    report = products.import_products(entries(*rows), ImportOptions(keep_going=True))
    assert texts(report.refused) == [
        (2, "name", "Name is required"),
        (3, "name", "Name is required"),
    ]


@pytest.mark.parametrize("price", [{"price": None}, {"price": "0"}, {}])
def test_a_new_product_without_a_price_is_skipped(
    products: ProductService, price: dict[str, object]
) -> None:
    report = products.import_products(entries({"name": "Free"} | price, OTHER))
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    assert report.warnings[-1].message.startswith("Skipped: ")
    assert (report.warnings[-1].line, report.warnings[-1].field) == (2, "price")
    assert stored_products(products).keys() == {"other"}


def test_messages_name_the_column_and_the_value(products: ProductService) -> None:
    columns = {"price": "Variant Price", "stock_quantity": "Qty"}
    file = entries(STOCKED | {"stock_quantity": -3}, BAD)
    report = products.import_products(ImportFile("table", iter(file), columns))
    assert report.warnings == (
        ImportMessage(2, "stock_quantity", "Negative stock (-3): imported as 0", "Qty", "-3"),
    )
    assert report.refused == (ImportMessage(3, "price", BAD_PRICE, "Variant Price", "x"),)


def test_a_blank_value_is_shown_as_blank(products: ProductService) -> None:
    report = products.import_products(entries({"name": "Free", "price": None}))
    assert report.warnings == (ImportMessage(2, "price", "Skipped: no price"),)


def test_errors_and_warnings_of_the_reader_are_reported_by_line(products: ProductService) -> None:
    file = [
        ImportEntry(9, STOCKED, warnings=(ImportMessage(10, "stock_quantity", "Became 0"),)),
        ImportEntry(
            7, None, errors=(ImportMessage(7, "", "Unreadable"), ImportMessage(8, "x", "Broken"))
        ),
        ImportEntry(5, None, warnings=(ImportMessage(5, "price", "Skipped", "Price", "0"),)),
        ImportEntry(3, OTHER, errors=(ImportMessage(3, "name", "Cut off"),)),
        ImportEntry(1, BAD),
    ]
    report = products.import_products(file, ImportOptions(keep_going=True))
    assert counts(report) == (1, 0, 0)
    assert report.refused == (
        ImportMessage(1, "price", BAD_PRICE, value="x"),
        ImportMessage(3, "name", "Cut off"),
        ImportMessage(7, "", "Unreadable"),
        ImportMessage(8, "x", "Broken"),
    )
    assert report.warnings == (
        ImportMessage(5, "price", "Skipped", "Price", "0"),
        ImportMessage(10, "stock_quantity", "Became 0"),
    )
    assert stored_products(products).keys() == {"good"}


def test_a_warning_is_no_error(products: ProductService) -> None:
    entry = ImportEntry(1, GOOD, warnings=(ImportMessage(1, "price", "Careful"),))
    assert counts(products.import_products([entry])) == (1, 0, 0)


# Limits


def test_an_import_stops_at_too_many_errors(products: ProductService) -> None:
    read: list[int] = []

    def file() -> Iterator[ImportEntry]:
        for line in range(1, 3 * MAX_ERRORS):
            read.append(line)
            yield ImportEntry(line, BAD)

    heard: list[Any] = []
    report = products.import_products(
        file(), ImportOptions(keep_going=True), listener=lambda _, record: heard.append(record)
    )
    assert len(read) == MAX_ERRORS + IMPORT_BATCH_SIZE
    assert (report.refused_total, len(report.refused)) == (MAX_ERRORS + 1, MAX_REPORTED)
    assert [message.line for message in heard] == list(range(1, MAX_ERRORS + 2))
    assert heard[-1].message == "Import stopped: too many invalid lines. Is this the right file?"
    assert heard[-2].message == BAD_PRICE


def test_a_file_with_the_maximum_number_of_errors_is_read_to_its_end(
    products: ProductService,
) -> None:
    report = products.import_products(
        [ImportEntry(line, BAD) for line in range(MAX_ERRORS)], ImportOptions(keep_going=True)
    )
    assert report.refused_total == MAX_ERRORS
    assert {message.message for message in report.refused} == {BAD_PRICE}


def test_memory_does_not_grow_with_the_file(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer_module, "IMPORT_BATCH_SIZE", 100)

    def peak_of(count: int) -> int:
        file = ImportFile(
            "jsonl",
            (
                ImportEntry(line, {"name": f"Egg {line}", "price": "1", "sku": f"S{line}"})
                for line in range(count)
            ),
        )
        with MemoryProductStore().begin_import() as session:
            importer = ProductImporter(session, str, clock.now, file, ImportOptions())
            tracemalloc.start()
            try:
                importer.read()
                return tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()

    peak_of(300)  # fills the caches of the interpreter
    assert peak_of(1200) < 1.2 * peak_of(300)


def test_an_interrupted_import_stores_nothing(products: ProductService) -> None:
    def broken() -> Iterator[ImportEntry]:
        yield from entries(*({"name": f"P{n}", "price": 1} for n in range(IMPORT_BATCH_SIZE)))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        products.import_products(broken(), ImportOptions(keep_going=True))
    with pytest.raises(NotFoundError):
        products.get("p0")
