"""Tests of import differences: in the report, and as records for the listener."""

import pytest

from eggypro_core.domain.product_files import (
    ImportDifference,
    ImportEntry,
    ImportMessage,
    ImportOptions,
)
from eggypro_core.services.importing.recorder import MAX_REPORTED
from eggypro_core.shop import Shop
from tests.support.builders import make_shop
from tests.support.imports import BAD, GOOD, OTHER, entries, good, run, run_entries, sized


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def test_a_new_product_is_described_by_all_that_it_has(shop: Shop) -> None:
    values = GOOD | {
        "tags": ["a", "b"],
        "images": [{"ref": "https://x.example/1.jpg", "alt": "One"}],
        "attributes": {"Fat": "1 g"},
        "categories": [["Food", "Bars"]],
        "stock_quantity": 0,
        "is_listed": False,
        "description": "x" * 600,
    }
    report = run(shop, values, dry_run=True)
    [difference] = report.differences
    assert (difference.slug, difference.action) == ("good", "created")
    fields = dict(difference.fields)
    assert fields.pop("description") == (None, "x" * 499 + "…")
    assert fields == {
        "name": (None, "Good"),
        "slug": (None, "good"),
        "price": (None, "5.00"),
        "tags": (None, "a, b"),
        "images": (None, "https://x.example/1.jpg"),
        "attributes.Fat": (None, "1 g"),
        "categories": (None, "bars"),
        "stock_quantity": (None, "0"),
        "track_stock": (None, "true"),
        "is_active": (None, "true"),
        "is_listed": (None, "false"),
    }
    assert report.new_categories == ("Food", "Bars")


def test_a_change_is_described_by_what_differs(shop: Shop) -> None:
    run(shop, GOOD | {"stock_quantity": 1, "attributes": {"Fat": "1 g", "Salt": "2 g"}, "sku": "G"})
    changed = GOOD | {
        "price": "6.5",
        "sku": None,
        "brand": "Acme",
        "attribute_edits": {"Fat": None, "Salt": "3 g"},
        "categories": [["Food"]],
    }
    assert run(shop, changed).differences == (
        ImportDifference(
            "good",
            "updated",
            {
                "sku": ("G", None),
                "brand": (None, "Acme"),
                "price": ("5.00", "6.50"),
                "attributes.Fat": ("1 g", None),
                "attributes.Salt": ("2 g", "3 g"),
                "categories": (None, "food"),
            },
        ),
    )


def test_variants_are_described_by_their_options(shop: Shop) -> None:
    run(shop, good(sized("S", stock_quantity=1), sized("M", stock_quantity=2), stock_quantity=1))
    file = good(sized("S", "4", stock_quantity=1), sized("L", "9", stock_quantity=3))
    [difference] = run(shop, file).differences
    fields = {name: texts for name, texts in difference.fields.items() if "variants" in name}
    assert fields == {
        "variants[Size: S].price": ("5.00", "4.00"),
        "variants[Size: M].is_active": ("true", "false"),
        "variants[Size: L].options": (None, "Size: L"),
        "variants[Size: L].price": (None, "9.00"),
        "variants[Size: L].stock_quantity": (None, "3"),
        "variants[Size: L].track_stock": (None, "true"),
        "variants[Size: L].position": (None, "1"),
        "variants[Size: L].is_active": (None, "true"),
    }


def test_variants_of_a_product_that_became_simple_are_described(shop: Shop) -> None:
    run(shop, good(sized("S", "5")))
    entry = ImportEntry(2, GOOD | {"price": "5"}, has_no_variants=True)
    [difference] = run_entries(shop, entry).differences
    assert difference.fields["variants[Size: S]"] == ("5.00", None)


def test_a_renamed_product_is_described_by_its_new_slug(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "G"})
    [difference] = run(shop, GOOD | {"sku": "G", "slug": "better"}).differences
    assert difference == ImportDifference("better", "updated", {"slug": ("good", "better")})


def test_refused_imports_have_no_differences(shop: Shop) -> None:
    report = run(shop, GOOD | {"categories": [["Food"]]}, BAD)
    assert (report.differences, report.difference_total, report.new_categories) == ((), 0, ())
    assert len(run(shop, GOOD, BAD, keep_going=True).differences) == 1


def test_a_listener_hears_everything_at_once(shop: Shop) -> None:
    heard = []
    report = shop.products.import_products(
        entries(GOOD | {"stock_quantity": -1}, BAD),
        ImportOptions(keep_going=True, dry_run=True),
        listener=lambda kind, record: heard.append((kind, record)),
    )
    assert heard == [
        ("warning", report.warnings[0]),
        ("refused", report.refused[0]),
        ("change", report.differences[0]),
    ]


def test_a_report_has_the_first_records_and_a_listener_all(shop: Shop) -> None:
    warnings = tuple(ImportMessage(9, name, "Careful") for name in ("price", "name", "sku"))
    products = [
        ImportEntry(9, OTHER | {"slug": f"p{number}", "track_stock": False}, warnings=warnings)
        for number in range(MAX_REPORTED + 1)
    ]
    errors = [ImportEntry(9, BAD)] * (MAX_REPORTED + 2)
    kinds = []
    report = shop.products.import_products(
        [*products, *errors],
        ImportOptions(keep_going=True, dry_run=True),
        listener=lambda kind, _: kinds.append(kind),
    )
    lists = (report.differences, report.refused, report.warnings)
    assert [len(items) for items in lists] == [MAX_REPORTED] * 3
    totals = (report.difference_total, report.refused_total, report.warning_total)
    assert totals == (MAX_REPORTED + 1, MAX_REPORTED + 2, 3 * (MAX_REPORTED + 1))
    assert tuple(map(kinds.count, ("change", "refused", "warning"))) == totals
