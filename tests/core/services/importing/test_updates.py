"""Tests of imports that update known products."""

from copy import deepcopy
from decimal import Decimal

import pytest
from attrs import evolve

from eggypro_core.domain.product import MAX_ATTRIBUTES, Product
from eggypro_core.domain.product_files import ConflictPolicy, ImportEntry, MissingStock
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop
from tests.support.imports import (
    GOOD,
    OTHER,
    counts,
    good,
    lossy_values,
    run,
    run_entries,
    run_format,
    sized,
    texts,
    variants_of,
)

UNTRACKED = (
    "No stock quantity for {} in the file: the stock is not tracked, and customers can always buy."
    " Set it with `eggypro stock import`, or import with --missing-stock sold-out"
)


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def known(shop: Shop, **values: object) -> Product:
    """Store the good product and return it."""
    run(shop, GOOD | values)
    return shop.products.get("good")


def test_omitted_fields_stay_unchanged(shop: Shop) -> None:
    before = known(
        shop,
        sku="G",
        stock_quantity=3,
        attributes={"a": "b"},
        seo_title="T",
        brand="B",
        tags=["x"],
        weight_grams=5,
        is_listed=False,
    )
    assert counts(run(shop, {"slug": "good", "price": "7"})) == (0, 1, 0)
    after = shop.products.get("good")
    assert after == evolve(before, price=Decimal(7), version=2, updated_at=after.updated_at)


# Values that an export has too


def test_cells_that_equal_an_export_change_nothing(shop: Shop) -> None:
    before = known(
        shop,
        name="Egg white protein",
        price="5.49",
        details="<p>Text</p>",
        attributes={"Fat": "1 g"},
    )
    cells = lossy_values(before)
    assert cells["name"] == "Egg w"
    report = run_format(shop, lossy_values, ImportEntry(2, cells))
    assert (counts(report), report.warnings, report.differences) == ((0, 0, 1), (), ())
    assert shop.products.get("good") == before
    edited = {**cells, "price": "9"}
    assert counts(run_format(shop, lossy_values, ImportEntry(2, edited))) == (0, 1, 0)
    after = shop.products.get("good")
    assert (after.name, after.price, after.details) == (before.name, Decimal(9), before.details)
    assert after.attributes == {"Fat": "1 g"}


def test_cells_of_variants_that_equal_an_export_change_nothing(shop: Shop) -> None:
    gtin = "4006381333931"
    run(shop, good(sized("1", "5.49", gtin=gtin), sized("2", "7.20")))
    before = variants_of(shop)
    cells = lossy_values(evolve(shop.products.get("good"), variants=before))
    assert counts(run_format(shop, lossy_values, ImportEntry(2, cells))) == (0, 0, 1)
    edited = deepcopy(cells)
    edited["variants"][1]["price"] = "9"
    assert counts(run_format(shop, lossy_values, ImportEntry(2, edited))) == (0, 1, 0)
    assert variants_of(shop) == (before[0], evolve(before[1], price=Decimal(9)))


def test_an_export_that_repeats_derived_fields_has_no_warning(shop: Shop) -> None:
    run(shop, good(sized("1", "5.49")))

    def lowest_price(product: Product) -> dict[str, object]:
        return {"slug": product.slug, "price": f"{product.price:.0f}"}

    cells = {"slug": "good", "price": "5"}
    report = run_format(shop, lowest_price, ImportEntry(2, cells))
    assert (counts(report), report.warnings) == ((0, 0, 1), ())


def test_an_export_that_cannot_be_parsed_is_no_reason_to_ignore_the_file(shop: Shop) -> None:
    known(shop)
    report = run_format(
        shop, lambda _: {"colour": 1}, ImportEntry(2, {"slug": "good", "price": "7"})
    )
    assert (counts(report), shop.products.get("good").price) == ((0, 1, 0), Decimal(7))


# Attributes


def test_attribute_edits_set_and_remove_single_attributes(shop: Shop) -> None:
    known(shop, attributes={"Fat": "1 g", "Colour": "red", "Size": "S"})
    edits = {"Colour": "blue", "Size": None, "New": "x", "Never": None}
    assert counts(run(shop, {"slug": "good", "attribute_edits": edits})) == (0, 1, 0)
    assert shop.products.get("good").attributes == {"Fat": "1 g", "Colour": "blue", "New": "x"}
    assert counts(run(shop, {"slug": "good", "attribute_edits": edits})) == (0, 0, 1)
    assert counts(run(shop, {"slug": "good", "attributes": {"a": "b"}})) == (0, 1, 0)
    assert shop.products.get("good").attributes == {"a": "b"}


def test_attribute_edits_of_a_new_product_are_its_attributes(shop: Shop) -> None:
    product = known(shop, attribute_edits={"Colour": "blue", "Size": None})
    assert product.attributes == {"Colour": "blue"}


def test_attributes_that_do_not_fit_are_ignored_with_a_warning(shop: Shop) -> None:
    known(shop, attributes={f"a{number}": "x" for number in range(MAX_ATTRIBUTES - 1)})
    report = run(shop, {"slug": "good", "attribute_edits": {"New": "x", "Second": "y", "a0": "z"}})
    assert texts(report.warnings) == [(2, "attributes", "More than 50 attributes: 1 ignored")]
    assert report.warnings[0].value == "Second"
    attributes = shop.products.get("good").attributes
    assert (len(attributes), attributes["New"], attributes["a0"]) == (MAX_ATTRIBUTES, "x", "z")


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("Vendor", "Acme", {"brand": "Acme"}),
        ("Brand", "Acme", {"brand": "Acme"}),
        ("Tags", "a, b", {"tags": ["a", "b"]}),
        ("Barcode", "4006381333931", {"gtin": "4006381333931"}),
        ("Weight", "500 g", {"weight_grams": 500}),
    ],
)
def test_an_attribute_that_has_a_field_now_moves_to_it(
    shop: Shop, name: str, text: str, values: dict[str, object]
) -> None:
    known(shop, attributes={name: text, "Fat": "1 g"})
    assert counts(run(shop, {"slug": "good"} | values)) == (0, 1, 0)
    assert shop.products.get("good").attributes == {"Fat": "1 g"}


def test_an_attribute_with_another_value_than_its_field_stays(shop: Shop) -> None:
    known(shop, attributes={"Vendor": "Other"})
    run(shop, {"slug": "good", "brand": "Acme"})
    product = shop.products.get("good")
    assert (product.brand, product.attributes) == ("Acme", {"Vendor": "Other"})


# Prices


def test_a_compare_at_price_that_is_no_longer_above_the_price_is_dropped(shop: Shop) -> None:
    known(shop, compare_at_price="6")
    report = run(shop, GOOD | {"price": "6"})
    message = "Compare-at price 6.00 is not above the price 6.00: ignored"
    assert (report.refused, report.warnings[0].message.replace(" 6:", " 6.00:")) == ((), message)
    assert shop.products.get("good").compare_at_price is None
    assert counts(run(shop, GOOD | {"price": "6"})) == (0, 0, 1)


@pytest.mark.parametrize("price", ["0", "0.00", None, "", "-1"])
def test_a_row_without_a_price_above_zero_leaves_its_product(shop: Shop, price: str | None) -> None:
    before = known(shop)
    report = run(shop, GOOD | {"name": "New", "price": price}, OTHER)
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    message = f"Skipped: the price is {price}" if price else "Skipped: no price"
    assert texts(report.warnings)[1:] == [(2, "price", message)]
    assert shop.products.get("good") == before


# Stock


def test_without_a_quantity_new_products_are_untracked_and_known_ones_stay(shop: Shop) -> None:
    before = known(shop, stock_quantity=3)
    report = run(shop, GOOD, OTHER, OTHER | {"slug": "third", "variants": [sized("1")]})
    assert texts(report.warnings) == [(1, "stock_quantity", UNTRACKED.format("2 new products"))]
    assert shop.products.get("good") == before
    for slug in ("other", "third"):
        product = shop.products.get(slug)
        assert (product.track_stock, product.stock_quantity, product.in_stock) == (False, 0, True)


def test_without_a_quantity_new_products_can_be_sold_out(shop: Shop) -> None:
    report = run(shop, GOOD, missing_stock=MissingStock.SOLD_OUT)
    message = (
        "No stock quantity for 1 new product in the file: imported as sold out."
        " Set the stock with `eggypro stock import`"
    )
    assert texts(report.warnings) == [(1, "stock_quantity", message)]
    product = shop.products.get("good")
    assert (product.track_stock, product.in_stock) == (True, False)


@pytest.mark.parametrize(
    "stock", [{"stock_quantity": 0, "track_stock": True}, {"track_stock": False}]
)
def test_a_file_that_says_the_stock_has_no_warning(shop: Shop, stock: dict[str, object]) -> None:
    report = run(shop, GOOD | stock)
    assert report.warnings == ()
    assert shop.products.get("good").track_stock is ("stock_quantity" in stock)


def test_tracked_stock_without_a_quantity_says_nothing(shop: Shop) -> None:
    run(shop, GOOD, OTHER | {"stock_quantity": 3})
    report = run(shop, GOOD | {"track_stock": True}, OTHER | {"track_stock": True})
    assert counts(report) == (0, 0, 2)
    assert not shop.products.get("good").track_stock


def test_ignored_stock_is_that_of_known_products_only(shop: Shop) -> None:
    known(shop, stock_quantity=3)
    file = [GOOD | {"stock_quantity": 9, "track_stock": False}, OTHER | {"stock_quantity": 4}]
    assert counts(run(shop, *file, ignore_stock=True)) == (1, 0, 1)
    assert shop.products.get("good").stock_quantity == 3
    assert shop.products.get("other").stock_quantity == 4
    run(shop, good(sized("1", stock_quantity=1)))
    more = good(sized("1", stock_quantity=5), sized("2", stock_quantity=7))
    run(shop, more, ignore_stock=True)
    assert [variant.stock_quantity for variant in variants_of(shop)] == [1, 7]


# Archived and unlisted products, policies


def test_an_archived_product_stays_archived_unless_the_file_restores_it(shop: Shop) -> None:
    known(shop)
    shop.products.archive("good")
    assert counts(run(shop, GOOD | {"price": "7"})) == (0, 1, 0)
    assert shop.products.get("good", Status.ARCHIVED).price == 7
    assert counts(run(shop, GOOD | {"price": "7", "is_active": True})) == (0, 1, 0)
    assert shop.products.get("good").price == 7


@pytest.mark.parametrize("keep_going", [True, False])
def test_on_conflict_skip_leaves_known_products(shop: Shop, *, keep_going: bool) -> None:
    before = known(shop)
    file = [GOOD | {"price": "7", "categories": [["New"]], "variants": [sized("1")]}, OTHER]
    report = run(shop, *file, on_conflict=ConflictPolicy.SKIP, keep_going=keep_going)
    assert counts(report) == (1, 0, 1)
    assert (shop.products.get("good"), report.new_categories) == (before, ())


def test_on_conflict_skip_moves_no_sku(shop: Shop) -> None:
    known(shop, sku="A")
    file = [GOOD | {"sku": "B"}, OTHER | {"sku": "A"}]
    report = run(shop, *file, on_conflict=ConflictPolicy.SKIP)
    assert counts(report) == (1, 0, 1)
    assert (shop.products.get("good").sku, shop.products.get("other").sku) == ("A", None)


def test_on_conflict_fail_refuses_known_products(shop: Shop) -> None:
    before = known(shop)
    report = run(shop, GOOD | {"price": "7"}, OTHER, on_conflict=ConflictPolicy.FAIL)
    assert texts(report.refused) == [(2, "slug", "The product 'good' already exists")]
    assert (counts(report), shop.products.get("good")) == ((0, 0, 0), before)


def test_a_chunked_import_has_the_same_result(shop: Shop) -> None:
    known(shop, sku="A")
    file = [GOOD | {"sku": "B", "categories": [["New"]]}, OTHER | {"sku": "A"}]
    chunked = make_shop()
    run(chunked, GOOD | {"sku": "A"})
    assert run(chunked, *file, is_chunked=True) == run(shop, *file)
    for catalog in (shop, chunked):
        assert catalog.products.get("other").sku == "A"
        assert [c.name for c in catalog.products.get("good").categories] == ["New"]


def test_entries_of_a_skipped_product_are_only_warnings(shop: Shop) -> None:
    entry = ImportEntry(2, None, skipped_options=({"Size": "1"},))
    assert counts(run_entries(shop, entry)) == (0, 0, 0)
