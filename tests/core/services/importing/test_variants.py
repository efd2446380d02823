"""Tests of imports of products with variants."""

from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from eggypro_core.domain.product_files import ConflictPolicy, ImportEntry, ImportMessage
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, variant_values
from tests.support.imports import (
    GOOD,
    OTHER,
    counts,
    good,
    run,
    run_entries,
    sized,
    stored_products,
    texts,
    variants_of,
)


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def by_size(shop: Shop, name: str) -> list[tuple[str, Any]]:
    """Return the options and a field of each variant."""
    return [(" ".join(v.options.values()), getattr(v, name)) for v in variants_of(shop)]


# New products


def test_a_product_is_created_with_its_variants_and_their_summary(shop: Shop) -> None:
    file = good(
        sized("1", "9", sku="G-1", stock_quantity=2, image="https://x.example/1.jpg"),
        sized("2", "7.50", compare_at_price="8", stock_quantity=3, track_stock=False),
        sized("3", "1", is_active=False, stock_quantity=4, weight_grams=7, gtin="96385074"),
        stock_quantity=99,
    )
    assert counts(run(shop, file)) == (1, 0, 0)
    product = shop.products.get("good")
    assert (str(product.price), str(product.compare_at_price)) == ("7.50", "8.00")
    assert (product.stock_quantity, product.track_stock, product.variant_count) == (5, False, 2)
    assert product.version == 1
    first, _, third = variants_of(shop)
    assert (first.sku, first.image, first.position) == ("G-1", "https://x.example/1.jpg", 0)
    assert (third.gtin, third.weight_grams) == ("96385074", 7)
    assert [variant.position for variant in variants_of(shop)] == [0, 1, 2]


def test_a_product_with_variants_needs_no_price_of_its_own(shop: Shop) -> None:
    assert counts(run(shop, {"slug": "g", "name": "Good", "variants": [sized("1", "9")]})) == (
        *(1, 0, 0),
    )
    assert shop.products.get("g").price == 9


def test_a_product_whose_variants_are_all_inactive_has_a_price_and_no_stock(shop: Shop) -> None:
    run(shop, good(sized("1", "9", is_active=False, stock_quantity=4), stock_quantity=7))
    product = shop.products.get("good")
    assert (product.price, product.stock_quantity, product.variant_count) == (Decimal(5), 0, 0)


def test_a_new_variant_without_a_price_is_skipped(shop: Shop) -> None:
    unpriced = {"options": {"Size": "2"}, "stock_quantity": 1}
    report = run(shop, good(sized("1", stock_quantity=1), unpriced, sized("3", "0")))
    message = "Skipped: a new variant without a price"
    assert texts(report.warnings) == [
        (2, "price", "Skipped: the price is 0"),
        (2, "variants", message),
    ]
    assert report.warnings[1].value == "Size: 2"
    assert by_size(shop, "price") == [("1", 5)]
    report = run(shop, good(sized("1", stock_quantity=1), unpriced))
    assert (counts(report), texts(report.warnings)) == ((0, 0, 1), [(2, "variants", message)])


@pytest.mark.parametrize("variant", [sized("1", "0"), {"options": {"Size": "1"}}])
def test_a_new_product_without_a_priced_variant_is_skipped(
    shop: Shop, variant: dict[str, object]
) -> None:
    report = run(shop, good(variant), OTHER | {"track_stock": False})
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    assert report.warnings[-1].message.startswith("Skipped: ")
    assert stored_products(shop.products).keys() == {"other"}


def test_a_variant_with_an_error_refuses_its_product(shop: Shop) -> None:
    report = run(shop, OTHER, GOOD | {"variants": [sized("1"), sized("2", "x")]}, keep_going=True)
    message = "Price 'x' is not a number: write it like 1234.50"
    assert report.refused == (ImportMessage(3, "price", message, "", "x"),)
    assert stored_products(shop.products).keys() == {"other"}


@pytest.mark.parametrize("variants", ["Size=1", {"Size": "1"}, [7], [{"price": "1"}]])
def test_what_is_no_list_of_variants_is_refused(shop: Shop, variants: object) -> None:
    [message] = run(shop, GOOD | {"variants": variants}).refused
    assert (message.line, message.field) == (2, "variants")


def test_equal_options_with_other_values_name_both_lines(shop: Shop) -> None:
    values = GOOD | {"variants": [sized("1"), sized(" 1 ", "6")]}
    [message] = run_entries(shop, ImportEntry(2, values, variant_lines=(2, 5))).refused
    assert (message.line, message.field) == (5, "options")
    assert message.message.endswith("different values: lines 2 and 5")


# Known products


def test_variants_are_created_changed_and_taken_off_sale_in_one_version(shop: Shop) -> None:
    run(shop, good(sized("1"), sized("2", sku="G-2", stock_quantity=4), sized("3", sku="G-3")))
    before = {variant.options["Size"]: variant for variant in variants_of(shop)}
    report = run(shop, good(sized("2", "7.00"), sized("4", "3.00"), sized("1")))
    assert counts(report) == (0, 1, 0)
    message = "1 variant of 1 product not in the file: taken off sale (--keep-variants leaves them)"
    assert texts(report.warnings) == [(1, "variants", message)]
    after = {variant.options["Size"]: variant for variant in variants_of(shop)}
    assert after["1"] == before["1"]
    assert after["2"] == evolve(before["2"], price=Decimal("7.00"))
    assert after["3"] == evolve(before["3"], is_active=False)
    assert (after["4"].position, after["4"].is_active) == (1, True)
    product = shop.products.get("good")
    assert (product.price, product.version, product.variant_count) == (Decimal(3), 2, 3)
    again = run(shop, good(sized("2", "7.00"), sized("4", "3.00"), sized("1")))
    assert (counts(again), again.warnings) == ((0, 0, 1), ())


def test_kept_variants_stay_on_sale(shop: Shop) -> None:
    run(shop, good(sized("1"), sized("2")))
    report = run(shop, good(sized("1", "6")), keep_variants=True)
    assert (counts(report), report.warnings) == ((0, 1, 0), ())
    assert by_size(shop, "is_active") == [("1", True), ("2", True)]


def test_skipped_variants_stay_as_they_are(shop: Shop) -> None:
    run(shop, good(sized("1"), sized("2"), sized("3")))
    before = variants_of(shop)
    values = good(sized("1"), sized("2", "0"))
    entry = ImportEntry(2, values, skipped_options=({"Size": "3"},))
    report = run_entries(shop, entry)
    assert (counts(report), variants_of(shop)) == ((0, 0, 1), before)
    assert [message.message for message in report.warnings] == ["Skipped: the price is 0"]


def test_if_all_variants_are_skipped_the_product_stays(shop: Shop) -> None:
    run(shop, good(sized("1"), sized("2")))
    before = shop.products.get("good")
    report = run(shop, good(sized("1", "0"), name="New"))
    assert (counts(report), shop.products.get("good")) == ((0, 0, 0), before)
    assert by_size(shop, "is_active") == [("1", True), ("2", True)]


@pytest.mark.parametrize("values", [{}, {"variants": []}])
def test_a_file_without_variants_leaves_them(shop: Shop, values: dict[str, object]) -> None:
    run(shop, good(sized("1"), sized("2")))
    before = variants_of(shop)
    report = run(shop, {"slug": "good", "name": "New"} | values)
    assert (counts(report), report.warnings) == ((0, 1, 0), ())
    assert (variants_of(shop), shop.products.get("good").name) == (before, "New")


def test_a_variant_without_values_stays_as_it_is(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A", stock_quantity=3, compare_at_price="9")))
    before = variants_of(shop)
    assert counts(run(shop, good({"options": {"Size": "1"}}))) == (0, 0, 1)
    assert variants_of(shop) == before


def test_an_archived_variant_is_restored_only_by_is_active(shop: Shop) -> None:
    run(shop, good(sized("1"), sized("2")))
    run(shop, good(sized("1")))
    run(shop, good(sized("1"), sized("2")))
    assert by_size(shop, "is_active") == [("1", True), ("2", False)]
    run(shop, good(sized("1"), sized("2", is_active=True)))
    assert by_size(shop, "is_active") == [("1", True), ("2", True)]


def test_first_variants_replace_the_stock_of_the_product(shop: Shop) -> None:
    run(shop, GOOD | {"stock_quantity": 9})
    assert counts(run(shop, good(sized("1", "8", stock_quantity=2), stock_quantity=9))) == (0, 1, 0)
    product = shop.products.get("good")
    assert (product.price, product.stock_quantity, product.version) == (Decimal(8), 2, 2)


@pytest.mark.parametrize(
    ("name", "value", "label"),
    [
        ("price", "6", "Price"),
        ("compare_at_price", "9", "Compare at price"),
        ("stock_quantity", 1, "Stock quantity"),
        ("track_stock", False, "Track stock"),
    ],
)
def test_a_field_that_comes_from_the_variants_is_ignored(
    shop: Shop, name: str, value: object, label: str
) -> None:
    run(shop, good(sized("1", "5", stock_quantity=3)))
    before = shop.products.get("good")
    report = run(shop, {"slug": "good", name: value})
    message = f"{label} of a product with variants comes from the variants: ignored"
    assert (counts(report), texts(report.warnings)) == ((0, 0, 1), [(2, name, message)])
    assert shop.products.get("good") == before
    same = {"price": "5.00", "compare_at_price": "", "stock_quantity": 3, "track_stock": True}
    report = run(shop, {"slug": "good"} | same)
    assert (counts(report), report.warnings) == ((0, 0, 1), ())


def test_a_product_that_became_simple_is_sold_without_variants(shop: Shop) -> None:
    run(shop, good(sized("1", "5", sku="A", stock_quantity=3), sized("2", "6", stock_quantity=4)))
    simple = GOOD | {"price": "9", "sku": "A", "stock_quantity": 2, "track_stock": True}
    for expected in ((0, 1, 0), (0, 0, 1)):
        report = run_entries(shop, ImportEntry(2, simple, has_no_variants=True))
        assert counts(report) == expected
        product = shop.products.get("good")
        assert (product.price, product.sku, product.stock_quantity) == (Decimal(9), "A", 2)
        assert (product.version, product.has_variants, variants_of(shop)) == (2, False, ())


def test_a_product_that_became_simple_has_its_stock_still(shop: Shop) -> None:
    run(shop, good(sized("1", "5", stock_quantity=3), sized("2", "6", stock_quantity=4)))
    report = run_entries(shop, ImportEntry(2, GOOD | {"price": "9"}, has_no_variants=True))
    message = "The product is sold without variants now: 2 variants deleted"
    assert (counts(report), texts(report.warnings)) == ((0, 1, 0), [(2, "variants", message)])
    product = shop.products.get("good")
    assert (product.price, product.stock_quantity, product.track_stock) == (Decimal(9), 7, True)


def test_a_simple_row_without_prices_or_with_kept_variants_leaves_them(shop: Shop) -> None:
    run(shop, good(sized("1", "5")))
    before = variants_of(shop)
    run_entries(
        shop, ImportEntry(2, GOOD | {"price": "9"}, has_no_variants=True), keep_variants=True
    )
    run_entries(shop, ImportEntry(2, {"slug": "good", "brand": "Acme"}, has_no_variants=True))
    run(shop, GOOD | {"price": "9"})
    assert variants_of(shop) == before
    assert shop.products.get("good").brand == "Acme"


def test_the_first_variants_of_a_simple_product_take_its_sku(shop: Shop) -> None:
    run(shop, GOOD | {"sku": "A"})
    assert counts(run(shop, good(sized("1", sku="A"), sized("2", sku="B")))) == (0, 1, 0)
    assert (by_size(shop, "sku"), shop.products.get("good").sku) == ([("1", "A"), ("2", "B")], None)


# Options and SKUs


def test_variants_are_matched_by_options_in_any_order(shop: Shop) -> None:
    both = {"Size": "1", "Flavour": "Egg"}
    run(shop, good(variant_values(options=both, stock_quantity=3)))
    [before] = variants_of(shop)
    run(shop, good(variant_values(options=dict(reversed(both.items())), stock_quantity=4)))
    [after] = variants_of(shop)
    assert (after.id, after.stock_quantity) == (before.id, 4)


def test_a_variant_with_renamed_options_is_matched_by_its_sku(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A", stock_quantity=3), sized("2", sku="B")))
    before, _ = variants_of(shop)
    renamed = variant_values(options={"Weight": "1"}, sku="A", price="5.00")
    file = good(renamed, variant_values(options={"Weight": "2"}, price="5"))
    for expected in ((0, 1, 0), (0, 0, 1)):
        report = run(shop, file)
        assert (counts(report), report.refused) == (expected, ())
    first, *others = variants_of(shop)
    assert first == evolve(before, options={"Weight": "1"})
    assert [(dict(v.options), v.is_active) for v in others] == [
        ({"Size": "2"}, False),
        ({"Weight": "2"}, True),
    ]


def test_a_variant_of_the_file_takes_the_sku_of_one_that_it_lacks(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A"), sized("2")))
    run(shop, good(sized("2")))
    assert by_size(shop, "sku") == [("1", "A"), ("2", None)]
    assert counts(run(shop, good(sized("2", sku="A")))) == (0, 1, 0)
    assert by_size(shop, "sku") == [("1", None), ("2", "A")]


def test_variants_can_swap_skus_and_take_that_of_the_product(shop: Shop) -> None:
    run(shop, good(sized("1", sku="A"), sized("2", sku="B"), sku="P"))
    swapped = good(sized("1", sku="B"), sized("2", sku="A"), sized("3", sku="P"), sku=None)
    assert counts(run(shop, swapped)) == (0, 1, 0)
    assert [sku for _, sku in by_size(shop, "sku")] == ["B", "A", "P"]
    assert counts(run(shop, swapped)) == (0, 0, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"variants": [sized("1", sku="A"), sized("2", sku="A")]},
        {"sku": "A", "variants": [sized("1", sku="A"), sized("2")]},
    ],
)
def test_a_repeated_sku_within_a_product_is_left_out(shop: Shop, values: dict[str, object]) -> None:
    report = run(shop, GOOD | {"track_stock": False} | values)
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    assert [message.value for message in report.warnings if message.field == "sku"] == ["A"]
    assert by_size(shop, "sku") == [("1", "A"), ("2", None)]
    assert shop.products.get("good").sku is None


@pytest.mark.parametrize(
    "values",
    [
        {"variants": [sized("1"), sized("2", sku="A")]},
        {"variants": [sized("1"), sized("2"), sized("3", sku="A")]},
        {"variants": [sized("1"), sized("2", sku="P")]},
        {"sku": "A"},
    ],
    ids=range(4),
)
def test_a_sku_that_the_product_has_elsewhere_moves_within_it(
    shop: Shop, values: dict[str, object]
) -> None:
    run(shop, good(sized("1", sku="A"), sized("2", sku="B"), sku="P"), OTHER)
    file = [OTHER, {"slug": "good"} | values]
    report = run(shop, *file, keep_going=True)
    skus = [sku for _, sku in by_size(shop, "sku")] + [shop.products.get("good").sku]
    given = [sku for sku in skus if sku is not None]
    assert len(given) == len(set(given))
    assert report.refused == ()
    again = run(shop, *file, keep_going=True)
    assert (counts(again), again.refused) == ((0, 0, 2), ())


def test_a_variant_sku_of_another_product_is_left_out(shop: Shop) -> None:
    run(shop, OTHER | {"variants": [sized("1", sku="O")]})
    report = run(
        shop, good(sized("1", sku="S", stock_quantity=1), sized("2", sku="O", stock_quantity=1))
    )
    message = "SKU 'O' belongs to the product 'other': left out"
    assert texts(report.warnings) == [(2, "sku", message)]
    assert by_size(shop, "sku") == [("1", "S"), ("2", None)]


# Prices and limits of the store


def test_the_compare_at_price_of_a_variant_is_dropped_if_its_price_reaches_it(shop: Shop) -> None:
    run(shop, good(sized("1", "5", compare_at_price="6")))
    report = run(shop, good(sized("1", "6")))
    assert (counts(report), report.refused) == ((0, 1, 0), ())
    assert [message.field for message in report.warnings] == ["compare_at_price"]
    assert by_size(shop, "compare_at_price") == [("1", None)]


def test_more_option_names_than_a_product_can_have(shop: Shop) -> None:
    pairs = (dict.fromkeys("abcde", "1"), dict.fromkeys("fghijk", "1"))
    run(shop, good(variant_values(options=pairs[0])))
    before = variants_of(shop)
    later = {"slug": "good", "variants": [variant_values(options=pairs[1])]}
    [message] = run(shop, later, keep_going=True).refused
    assert (message.line, message.field) == (2, "options")
    assert message.message.startswith("The variants of a product can have at most 10 option names")
    assert variants_of(shop) == before


def test_a_skipped_product_keeps_its_variants(shop: Shop) -> None:
    run(shop, good(sized("1")))
    before = variants_of(shop)
    assert counts(run(shop, good(sized("2")), on_conflict=ConflictPolicy.SKIP)) == (0, 0, 1)
    assert variants_of(shop) == before


def test_an_archived_product_is_updated_with_its_variants(shop: Shop) -> None:
    run(shop, good(sized("1")))
    shop.products.archive("good")
    run(shop, good(sized("1", "7")))
    assert shop.products.get("good", Status.ARCHIVED).price == 7


def test_thousands_of_variants_are_imported_and_unchanged_the_second_time(shop: Shop) -> None:
    file = good(*(sized(str(number), f"{number + 1}", sku=f"S{number}") for number in range(2000)))
    assert counts(run(shop, file)) == (1, 0, 0)
    assert shop.products.get("good").variant_count == 2000
    assert counts(run(shop, file)) == (0, 0, 1)
    assert counts(run(shop, good(sized("7", "8")))) == (0, 1, 0)
    assert shop.products.get("good").variant_count == 1
