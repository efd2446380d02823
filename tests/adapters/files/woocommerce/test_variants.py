from typing import Any

import pytest

from eggypro_core.domain.product_files import ImportMessage
from tests.support.product_files import Row, csv_text
from tests.support.woocommerce_files import (
    SIMPLE,
    file_warnings,
    product,
    read,
    size_variation,
    values,
    variants,
    warnings,
)

PARENT = {"Type": "variable", "Regular price": ""}


def test_variations_become_variants_of_their_parent_on_any_line() -> None:
    parent = {"ID": "9", "Type": "variable", "SKU": "Egg-S", "Name": "Egg", "Published": "1"}
    medium = {"Type": "variation", "Parent": "egg-s", "SKU": "m", "Published": "0"}
    medium |= {"GTIN, UPC, EAN, or ISBN": "40170725", "Weight (kg)": "1"}
    large = {"Type": "variation", "Parent": "id:9", "Published": "1", "Images": "//x.y/l.jpg"}
    rows = (
        medium | size_variation("M"),
        {"Type": "simple", "ID": "1", "Name": "Ham", "Regular price": "1"},
        parent | {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S, M"},
        large | size_variation("L"),
    )
    egg, ham = read(csv_text(*rows))
    assert (egg.line, ham.line, egg.variant_lines) == (4, 3, (2, 5))
    assert egg.values
    assert egg.values["variants"] == [
        {
            "options": {"Size": "M"},
            "sku": "m",
            "gtin": "40170725",
            "weight_grams": "1000",
            "price": "5",
            "image": None,
            "is_active": False,
        },
        {
            "options": {"Size": "L"},
            "sku": None,
            "gtin": None,
            "weight_grams": None,
            "price": "5",
            "image": "https://x.y/l.jpg",
            "is_active": True,
        },
    ]
    assert (egg.values["sku"], "attribute_edits" in egg.values) == ("Egg-S", False)
    assert egg.values["images"] == [{"ref": "https://x.y/l.jpg"}]
    assert not {"price", "stock_quantity", "track_stock"} & egg.values.keys()


def test_variations_are_ordered_by_position() -> None:
    rows = (
        size_variation("S", Position="2"),
        size_variation("M", Position="1"),
        size_variation("L"),
    )
    positions = [
        (variant["options"]["Size"], variant.get("position")) for variant in variants(PARENT, *rows)
    ]
    assert positions == [("M", 1), ("S", 2), ("L", None)]
    assert product(PARENT, *rows).variant_lines == (4, 3, 5)


def test_blank_option_means_any_value() -> None:
    colour = {"Attribute 2 name": "Colour", "Attribute 2 value(s)": "Red"}
    any_colour = size_variation("M") | {"Attribute 2 name": "Colour"}
    any_size = size_variation("") | colour
    sizes = variants(PARENT, size_variation("S") | colour, any_colour, any_size)
    assert [variant["options"] for variant in sizes] == [
        {"Size": "S", "Colour": "Red"},
        {"Size": "M"},
        {"Colour": "Red"},
    ]


SIZES = {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S, M, L"}


def test_any_beside_specific_variations_has_the_other_values() -> None:
    any_size = size_variation("") | {"SKU": "A", "Regular price": "9"}
    entry = product(PARENT | SIZES, size_variation("M"), any_size)
    assert entry.values is not None
    read_variants: Any = entry.values["variants"]
    assert [
        (variant["options"], variant["sku"], variant["price"]) for variant in read_variants
    ] == [
        ({"Size": "M"}, None, "5"),
        ({"Size": "S"}, "A", "9"),
        ({"Size": "L"}, None, "9"),
    ]
    assert entry.variant_lines == (3, 4, 4)
    assert "attribute_edits" not in entry.values
    assert entry.warnings == (
        ImportMessage(4, "variants", "The variation of any Size is imported as S, L"),
    )


def test_second_variation_of_any_value_is_skipped_with_a_warning() -> None:
    rows = size_variation(""), size_variation("")
    entry = product(PARENT | SIZES, *rows)
    assert entry.values is not None
    assert (entry.variant_lines, "attribute_edits" in entry.values) == ((3, 3, 3), False)
    assert [warning.message for warning in entry.warnings] == [
        "The variation of any Size is imported as S, M, L",
        "Skipped: other variations have all values of Size",
    ]
    unknown = variants(PARENT, *rows)
    assert [variant["options"] for variant in unknown] == [{}, {}]


def test_option_without_a_name_has_the_name_of_the_parent_s_attribute() -> None:
    (variant,) = variants(PARENT | SIZES, size_variation("S") | {"Attribute 1 name": ""})
    assert variant["options"] == {"Size": "S"}


def test_all_options_are_read() -> None:
    names = {f"Attribute {number} name": f"N{number}" for number in range(1, 12)}
    texts = {f"Attribute {number} value(s)": "x" for number in range(1, 12)}
    (variant,) = variants(PARENT, names | texts | {"Regular price": "1"})
    assert list(variant["options"]) == [f"N{number}" for number in range(1, 12)]


def test_single_variation_of_any_value_is_the_product_itself() -> None:
    parent = PARENT | {"SKU": "SOAP", "Stock": "6", "In stock?": "1", "Weight (kg)": "1"}
    parent |= {"Attribute 1 name": "Scent", "Attribute 1 value(s)": "Pine, Lemon"}
    any_scent = {"Regular price": "9", "In stock?": "1", "Attribute 1 name": "Scent", "SKU": "S-1"}
    entry = product(parent, any_scent)
    assert entry.values == {
        "name": "Egg",
        "sku": "SOAP",
        "weight_grams": "1000",
        "price": "9",
        "stock_quantity": 6,
        "track_stock": True,
        "attribute_edits": {"Scent": "Pine, Lemon"},
    }
    assert entry.has_no_variants
    assert [(warning.line, warning.message) for warning in entry.warnings] == [
        (3, "The variation has the stock of its parent"),
    ]
    variation = {"Type": "variation", "Parent": "SOAP"}
    assert file_warnings(parent | {"Name": "Egg"}, variation | any_scent) == [
        "Column 'SKU' has values in 1 row (such as 'S-1'): ignored for variations"
    ]


@pytest.mark.parametrize("row", [{"Type": "simple"}, {"Type": "simple, virtual"}])
def test_type_simple_says_that_there_are_no_variants(row: Row) -> None:
    assert product(row).has_no_variants
    assert not product(row, size_variation("S")).has_no_variants
    assert not product({"Type": ""}).has_no_variants


def test_variations_without_a_price_are_skipped_with_a_warning() -> None:
    rows = size_variation("S"), size_variation("M") | {"Regular price": ""}
    entry = product(PARENT, *rows)
    assert entry.values is not None
    assert (entry.variant_lines, entry.skipped_options) == ((3,), ({"Size": "M"},))
    assert entry.warnings == (ImportMessage(4, "variants", "Skipped: the variation has no price"),)
    entry = product(PARENT, rows[1])
    assert (entry.values, entry.errors) == (None, ())
    assert entry.skipped_options == ({"Size": "M"},)
    assert entry.warnings[-1].message == "Skipped: no price"


def test_sale_of_a_variation_counts_only_within_its_dates() -> None:
    over = {"Sale price": "1", "Date sale price ends": "2020-01-01"}
    first, second = variants(PARENT, size_variation("S") | over, size_variation("M"))
    assert (first["price"], first["compare_at_price"], second["price"]) == ("5", None, "5")
    assert warnings(PARENT, size_variation("S") | over, size_variation("M")) == [
        "The sale at 1 ended on 2020-01-01: imported with the regular price 5"
    ]


def test_each_variation_that_shares_its_parent_s_stock_gets_all_of_it() -> None:
    parent = {"Stock": "4", "Backorders allowed?": "0"}
    rows = size_variation("S", Stock="parent"), size_variation("M"), size_variation("L", Stock="1")
    stocks = [
        (variant["stock_quantity"], variant["track_stock"]) for variant in variants(parent, *rows)
    ]
    assert stocks == [(4, True), (4, True), (1, True)]
    assert warnings(parent, *rows) == [
        "2 variations share the stock of their parent: each gets the full stock"
    ]
    (variant,) = variants(parent, size_variation("S"))
    assert (variant["stock_quantity"], variant["track_stock"]) == (4, True)
    assert warnings(parent, size_variation("S")) == ["The variation has the stock of its parent"]
    (variant,) = variants({}, size_variation("S", Stock="parent"))
    assert (variant["track_stock"], "stock_quantity" in variant) == (False, False)


@pytest.mark.parametrize(
    ("parent", "states", "active"),
    [
        ("-1", ("-1", "-1"), [True, True]),
        ("-1", ("-1", "0"), [True, False]),
        ("0", ("0", "0"), [True, True]),
        ("0", ("1", "0"), [True, False]),
        ("1", ("1", "0"), [True, False]),
        ("1", ("-1", ""), [False, None]),
    ],
)
def test_variations_of_a_draft_are_for_sale_as_soon_as_it_is_published(
    parent: str, states: tuple[str, str], active: list[bool | None]
) -> None:
    rows = [size_variation(size, Published=state) for size, state in zip("SM", states, strict=True)]
    read_variants = variants(PARENT | {"Published": parent}, *rows)
    assert [variant.get("is_active") for variant in read_variants] == active


def test_columns_that_variations_cannot_have_are_reported_once() -> None:
    rows = [
        {"Type": "variation", "Parent": "E", "Weight (kg)": "1", "Length (cm)": "2", "Tags": "x"}
        | size_variation(size)
        for size in "SM"
    ]
    assert file_warnings(SIMPLE | {"SKU": "E", "Tags": "y"}, *rows) == [
        "Column 'Tags' has values in 2 rows (such as 'x'): ignored for variations",
        "Column 'Length (cm)' has values in 2 rows (such as '2'): ignored for variations",
    ]


def test_variations_without_a_parent_are_errors() -> None:
    orphan = {"Type": "variation", "Parent": "x"}
    rows = (
        {"Name": "Egg", "Type": "variation", **size_variation("S")},
        orphan | size_variation("S"),
        orphan | size_variation("M"),
    )
    errors = [error for entry in read(csv_text(*rows)) for error in entry.errors]
    message = "The variation's parent 'x' is not in the file: add the row of its product"
    assert [(error.line, error.message) for error in errors] == [
        (2, "The variation has no Parent: add its product's SKU or id:123"),
        (3, message),
        (4, message),
    ]


def test_variations_of_subscriptions_are_variations() -> None:
    parent = {"ID": "7", "Type": "variable-subscription", "Name": "Box"}
    size = {"Type": "subscription_variation", "Parent": "id:7"} | size_variation("S")
    (entry,) = read(csv_text(parent, size))
    assert entry.variant_lines == (3,)
    assert values(PARENT, {"Type": "variation, virtual"} | size_variation("S"))["variants"]
