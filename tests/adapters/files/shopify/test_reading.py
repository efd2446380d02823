import io
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import ParseError
from tests.support.product_files import GeneratedFile, Row, csv_text

SHARED = Path(__file__).parents[4].parent / "shared" / "data" / "shopify"


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="shopify").entries)


def product(*rows: Row) -> ImportEntry:
    """Return the entry of rows with handle `egg`; the first row has a title and a price."""
    first_row = {"Handle": "egg", "Title": "Egg", "Variant Price": "2.00"}
    other_rows = [{"Handle": "egg", **row} for row in rows[1:]]
    return read(csv_text({**first_row, **(rows[0] if rows else {})}, *other_rows))[0]


def values(*rows: Row) -> dict[str, object]:
    entry = product(*rows)
    assert entry.values is not None, entry.errors
    return dict(entry.values)


def unused_columns(*rows: Row) -> dict[str, str]:
    """Return the columns that are reported as unused, with their examples."""
    entries = read(csv_text(*({"Handle": "egg", "Title": "Egg", **row} for row in rows)))
    return {warning.column: warning.value for entry in entries[1:] for warning in entry.warnings}


def variants(product_values: Mapping[str, Any]) -> list[dict[str, object]]:
    return list(product_values["variants"])


def prices(product_values: Mapping[str, object]) -> list[object]:
    """Return the prices of the variants."""
    return [variant["price"] for variant in variants(product_values)]


def errors(*rows: Row) -> list[str]:
    return [error.message for error in product(*rows).errors]


def warnings(*rows: Row) -> list[tuple[str, str]]:
    return [(warning.field, warning.message) for warning in product(*rows).warnings]


@pytest.mark.parametrize("name", ["apparel.csv", "packt_product-data.csv"])
def test_files_of_real_shops_are_read_without_errors(name: str) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the sample files are not beside this repository ({SHARED})")
    with (SHARED / name).open("rb") as stream:
        *entries, unused = read_products(stream).entries
    assert len(entries) > 15
    for entry in entries:
        assert (entry.errors, entry.warnings) == ((), ())
        assert entry.values is not None
    assert "Gift Card" in [warning.column for warning in unused.warnings]


OLD_ROW = {
    "Handle": "Red-Egg",
    "Title": "Red egg",
    "Body (HTML)": "<p>One &amp; only</p><p>egg</p>",
    "Vendor": "Hen & Co",
    "Type": "Food",
    "Tags": "Red, Egg,, ",
    "Published": "TRUE",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant SKU": "'0012",
    "Variant Grams": "500.0",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "7",
    "Variant Inventory Policy": "deny",
    "Variant Price": "24.99",
    "Variant Compare At Price": "29.99",
    "Variant Barcode": "'4006381333931",
    "Image Src": "https://x.y/1.jpg",
    "Image Position": "1",
    "Image Alt Text": "An egg",
    "SEO Title": "Eggs",
    "SEO Description": "",
    "Google Shopping / Gender": "any",
    "Google Shopping / Condition": "",
    "Colour (product.metafields.shopify.color-pattern)": "red",
    "Status": "active",
}
NEW_NAMES = {
    "Handle": "URL handle",
    "Body (HTML)": "Description",
    "Published": "Published on online store",
    "Option1 Value": "Option1 value",
    "Variant SKU": "SKU",
    "Variant Grams": "Weight value (grams)",
    "Variant Inventory Tracker": "Inventory tracker",
    "Variant Inventory Qty": "Inventory quantity",
    "Variant Inventory Policy": "Continue selling when out of stock",
    "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price",
    "Variant Barcode": "Barcode",
    "Image Src": "Product image URL",
    "Image Position": "Image position",
    "Image Alt Text": "Image alt text",
    "SEO Title": "SEO title",
}
COMPLETE_VALUES = {
    "slug": "Red-Egg",
    "name": "Red egg",
    "details": "<p>One &amp; only</p><p>egg</p>",
    "description": "One & only\n\negg",
    "brand": "Hen & Co",
    "tags": ["Red", "Egg"],
    "seo_title": "Eggs",
    "seo_description": None,
    "is_active": True,
    "is_listed": True,
    "price": "24.99",
    "compare_at_price": "29.99",
    "stock_quantity": 7,
    "track_stock": True,
    "sku": "0012",
    "gtin": "4006381333931",
    "weight_grams": "500.0",
    "images": [{"ref": "https://x.y/1.jpg", "alt": "An egg"}],
    "attribute_edits": {
        "Type": "Food",
        "Google Shopping / Gender": "any",
        "Google Shopping / Condition": None,
        "Colour (product.metafields.shopify.color-pattern)": "red",
    },
}


def test_product_with_old_column_names() -> None:
    assert read(csv_text(OLD_ROW)) == [ImportEntry(2, COMPLETE_VALUES, has_no_variants=True)]


def test_product_with_new_column_names() -> None:
    row = {NEW_NAMES.get(name, name): value for name, value in OLD_ROW.items()}
    row["Continue selling when out of stock"] = "FALSE"
    file = read_products(io.BytesIO(csv_text(row).encode()))
    assert file.format == "shopify"
    assert list(file.entries) == [ImportEntry(2, COMPLETE_VALUES, has_no_variants=True)]


def test_columns_are_named_by_field() -> None:
    columns = read_products(io.BytesIO(csv_text(OLD_ROW).encode())).columns
    assert columns["gtin"] == "Variant Barcode"
    assert columns["attributes.Type"] == "Type"
    assert "image" not in columns


def test_column_names_of_2022() -> None:
    row = {"Standardized Product Type": "Home > Mugs", "Custom Product Type": "Mug"}
    assert values(row)["attribute_edits"] == {"Product Category": "Home > Mugs", "Type": "Mug"}


def test_fields_without_a_column_are_omitted() -> None:
    assert values() == {"slug": "egg", "name": "Egg", "price": "2.00"}
    assert read("Handle,Title\negg,Egg\n") == [ImportEntry(2, {"slug": "egg", "name": "Egg"})]
    assert read("Handle,Title,Vendor\negg,Egg,ACME\n")[0].values == {
        "slug": "egg",
        "name": "Egg",
        "brand": "ACME",
    }


def test_header_requires_a_handle() -> None:
    with pytest.raises(ParseError, match="found 'Title', 'Price'"):
        read("Title,Price\nEgg,1\n")


def test_each_column_with_values_that_is_not_imported_is_reported_once() -> None:
    row = {"Cost per item": "4.00", "Price / Canada": "30", "Gift Card": "false", "Colour": ""}
    columns = unused_columns(row, {**row, "Cost per item": "5.00", "Option1 Linked To": "a.b"})
    assert columns == {
        "Cost per item": "4.00",
        "Price / Canada": "30",
        "Gift Card": "false",
        "Option1 Linked To": "a.b",
    }


def test_second_column_of_the_same_meaning_fills_blank_cells() -> None:
    text = "Handle,Title,Vendor,VENDOR,Variant SKU,SKU\negg,Egg,,ACME,1,1\nham,Ham,A,B,,\n"
    egg, ham, repeated = read(text)
    assert (egg.values or {})["brand"] == "ACME"
    assert (ham.values or {})["brand"] == "A"
    assert [(warning.column, warning.value) for warning in repeated.warnings] == [("VENDOR", "B")]


@pytest.mark.parametrize(
    ("cell", "sku"),
    [("'0012", "0012"), ("'=1", "=1"), ("'abc", "'abc"), ("''12", "'12"), ("'", "'")],
)
def test_apostrophe_before_digits_or_formulas_is_removed(cell: str, sku: str) -> None:
    assert values({"Variant SKU": cell})["sku"] == sku


def test_product_without_a_title_has_no_name() -> None:
    assert "name" not in values({"Title": ""})


def test_first_row_with_a_title_has_the_product_values() -> None:
    product_values = values(
        {"Title": "", "Vendor": "a", "Tags": "t", "Google Shopping / Gender": "any"},
        {"Title": "Ham", "Vendor": "b"},
        {"Title": "Rye"},
    )
    assert (product_values["name"], product_values["brand"]) == ("Ham", "b")
    assert product_values["tags"] == ["t"]
    assert product_values["attribute_edits"] == {"Google Shopping / Gender": "any"}


def test_repeated_header_is_skipped() -> None:
    header = "Handle,Title,Price"
    entries = read(f"{header}\na,A,1\n{header}\nb,B,2\n")
    assert [(entry.line, entry.errors) for entry in entries] == [(2, ()), (4, ())]


def test_rows_without_a_handle_are_grouped_by_title() -> None:
    text = "Handle,Title,Price,Option1 Value\n,Süßer Schinken,1,S\negg,Egg,2,\n"
    ham, egg = read(text + ",Süßer Schinken,3,M\n")
    assert ham.values is not None
    assert "slug" not in ham.values
    assert prices(ham.values) == ["1", "3"]
    assert (egg.values or {})["slug"] == "egg"


def test_handles_that_differ_in_case_are_one_product() -> None:
    (entry,) = read("Handle,Title,Price,Option1 Value\nEgg,Egg,1,S\negg,,2,M\n")
    assert entry.values
    assert entry.values["slug"] == "Egg"
    assert prices(entry.values) == ["1", "2"]


def test_row_with_neither_handle_nor_title_is_an_error() -> None:
    entries = read("Handle,Title,Price\negg,Egg,2\n,,3\n")
    assert entries[0] == ImportEntry(
        3, None, (ImportMessage(3, "slug", "The row has neither a handle nor a title: add one"),)
    )
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [(3, True), (2, False)]


def test_unreadable_rows_do_not_affect_other_rows() -> None:
    entries = read('Handle,Title,Price\na,A,1,x\nb,"B"b,1\nc,C,1\nd,"D\n')
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [
        (3, True),
        (5, True),
        (2, False),
        (4, False),
        (2, False),
    ]
    assert entries[-1].warnings[0].column == "(after the last column)"


def test_missing_cells_of_a_short_row_are_blank() -> None:
    (entry,) = read("Handle,Title,Price,SKU\negg,Egg,1\n")
    assert entry.values
    assert entry.values["sku"] is None


def test_rows_are_grouped_by_handle_in_the_order_of_first_rows() -> None:
    text = 'Handle,Title,Price,Option1 Value\nb,B,"3\n",x\na,A,1,x\n\n'
    text += "B,,2,y\nc,C,1,x\nb,,4,z\na,,1,y\n"
    entries = read(text)
    assert [entry.values and entry.values["slug"] for entry in entries] == ["b", "a", "c"]
    assert [entry.line for entry in entries] == [2, 4, 7]
    assert entries[0].values
    assert prices(entries[0].values) == ["3", "2", "4"]
    assert entries[0].warnings[0] == ImportMessage(
        2,
        "slug",
        "The rows of handle 'b' are not together (lines 2, 6, 8): imported as one product",
        value="b",
    )
    assert "slug" not in [warning.field for warning in entries[2].warnings]


def test_warning_about_gaps_lists_at_most_five_lines() -> None:
    rows = [{"Handle": handle, "Price": "1"} for handle in "ab" * 9]
    assert "(lines 2, 4, 6, 8, 10, ...)" in read(csv_text(*rows))[0].warnings[0].message


def test_each_variant_row_becomes_a_variant() -> None:
    rows = (
        {
            "Option1 Name": "Size",
            "Option1 Value": "S",
            "Option2 Name": "Colour",
            "Option2 Value": "Red",
            "Variant Price": "70",
            "Variant Inventory Qty": "1",
            "Variant Inventory Tracker": "shopify",
            "Variant SKU": "S-1",
            "Variant Barcode": "12345670",
            "Variant Grams": "5",
            "Variant Image": "//x.y/s.jpg",
        },
        {"Option1 Value": "M", "Variant Price": "60", "Variant Compare At Price": "65"},
        {"Image Src": "https://x.y/z.jpg"},
        {"Option1 Value": "S", "Option2 Value": "Blue", "Variant Price": "80"},
    )
    entry = product(*rows)
    assert (entry.variant_lines, entry.has_no_variants) == ((2, 3, 5), False)
    assert entry.warnings == ()
    assert entry.values is not None
    first, second, third = variants(entry.values)
    assert first == {
        "options": {"Size": "S", "Colour": "Red"},
        "price": "70",
        "compare_at_price": None,
        "stock_quantity": 1,
        "track_stock": True,
        "sku": "S-1",
        "gtin": "12345670",
        "weight_grams": "5",
        "image": "//x.y/s.jpg",
        "position": 0,
        "is_active": True,
    }
    assert second["options"] == {"Size": "M"}
    assert (second["price"], second["compare_at_price"], second["sku"]) == ("60", "65", None)
    assert (second["track_stock"], second["image"], second["position"]) == (False, None, 1)
    assert (third["options"], third["position"]) == ({"Size": "S", "Colour": "Blue"}, 2)
    variant_fields = {"price", "compare_at_price", "stock_quantity", "track_stock", "sku", "gtin"}
    assert not (variant_fields | {"weight_grams"}) & entry.values.keys()


def test_variant_fields_without_a_column_are_omitted() -> None:
    product_values = values({"Option1 Value": "S"})
    assert product_values["variants"] == [
        {"options": {"Option1": "S"}, "price": "2.00", "position": 0, "is_active": True}
    ]
    assert "sku" not in product_values


def test_variants_without_a_price_column_have_no_price() -> None:
    (entry,) = read("Handle,Title,Option1 Value,SKU\negg,Egg,S,1\negg,,M,2\n")
    assert [variant["sku"] for variant in variants(entry.values or {})] == ["1", "2"]
    assert "price" not in variants(entry.values or {})[0]


def test_weight_of_all_variants_is_the_weight_of_the_product() -> None:
    rows = [
        {"Option1 Value": name, "Variant Price": "1", "Variant Grams": "5"} for name in ("S", "M")
    ]
    assert values(*rows)["weight_grams"] == "5"
    assert "weight_grams" not in values(rows[0], rows[1] | {"Variant Grams": "6"})
    assert "weight_grams" not in values(rows[0], rows[1] | {"Variant Grams": "0"})


def test_option_names_may_be_on_any_row_and_default_to_numbers() -> None:
    rows = (
        {"Option1 Value": "S", "Option3 Value": "x"},
        {"Option1 Value": "M", "Option1 Name": "Size", "Variant Price": "1"},
    )
    assert [variant["options"] for variant in variants(values(*rows))] == [
        {"Size": "S", "Option3": "x"},
        {"Size": "M"},
    ]


def test_only_the_second_option_has_a_value() -> None:
    row = {"Option1 Name": "", "Option1 Value": "", "Option2 Name": "", "Option2 Value": "Grey"}
    assert variants(values(row))[0]["options"] == {"Option2": "Grey"}


def test_second_option_with_the_same_name_is_renamed_with_a_warning() -> None:
    row = {"Option1 Name": "Size", "Option2 Name": "Size", "Option1 Value": "S"}
    assert warnings(row) == []
    row["Option2 Value"] = "M"
    assert variants(values(row))[0]["options"] == {"Size": "S", "Size 2": "M"}
    assert warnings(row) == [("options", "Two options are named 'Size': imported as 'Size 2'")]


@pytest.mark.parametrize(
    ("row", "has_no_variants"),
    [
        ({}, False),
        ({"Option1 Name": "Title", "Option1 Value": "Default Title"}, True),
        ({"Option1 Name": "Title", "Option1 Value": ""}, False),
        ({"Option1 Value": "default title", "Option2 Value": ""}, True),
    ],
)
def test_default_variant_becomes_the_product_itself(
    row: Row,
    has_no_variants: bool,  # noqa: FBT001 - a case
) -> None:
    entry = product(row)
    assert entry.values is not None
    assert entry.values["price"] == "2.00"
    assert "variants" not in entry.values
    assert (entry.has_no_variants, entry.variant_lines) == (has_no_variants, ())


def test_repeated_row_of_a_product_without_variants_is_skipped() -> None:
    row = {"Option1 Value": "Default Title", "Variant SKU": "1"}
    entry = product(row, {**row, "Variant Price": "2.00"})
    assert (entry.values or {})["sku"] == "1"
    message = "Skipped: the row repeats line 2, and the product has no variants"
    assert entry.warnings == (ImportMessage(3, "variants", message),)


def test_different_rows_of_a_product_without_variants_are_an_error() -> None:
    entry = product({"Variant SKU": "1"}, {"Variant SKU": "2", "Variant Price": "2.00"})
    assert entry.values is None
    (error,) = entry.errors
    assert error.line == 3
    assert error.message.startswith("Lines 2 and 3 have different prices, SKUs or stock")


@pytest.mark.parametrize("row", [{"Option1 Value": "S"}, {"Option2 Value": "Default Title"}])
def test_single_row_with_an_option_becomes_a_variant(row: Row) -> None:
    assert prices(values(row)) == ["2.00"]


def test_repeated_and_missing_options_are_left_to_the_import() -> None:
    rows = [{"Option1 Value": value, "Variant Price": "1"} for value in ("S", "S", "")]
    entry = product(*rows)
    assert [variant["options"] for variant in variants(entry.values or {})] == [
        {"Option1": "S"},
        {"Option1": "S"},
        {},
    ]
    assert entry.variant_lines == (2, 3, 4)


def test_sku_and_barcode_of_a_single_variant_may_be_on_any_row() -> None:
    product_values = values(
        {"Variant Price": ""}, {"Variant Price": "1", "Variant SKU": "A", "Barcode": "9"}
    )
    assert (product_values["sku"], product_values["gtin"]) == ("A", "9")


def test_blank_price_is_none() -> None:
    assert values({"Variant Price": ""})["price"] is None
    assert prices(values({"Variant Price": "", "Option1 Value": "S"})) == [None]


def test_decimal_commas_of_a_file_with_semicolons() -> None:
    (entry,) = read("Handle;Title;Price;Variant Grams\negg;Egg;1.234,50;0,5\n")
    assert entry.values
    assert (entry.values["price"], entry.values["weight_grams"]) == ("1234.50", "0.5")


@pytest.mark.parametrize(
    ("text", "price"), [("$1,234.50", "1234.50"), ("9,50 €", "9.50"), ("12.3456", "12.3456")]
)
def test_notations_of_prices(text: str, price: str) -> None:
    assert values({"Variant Price": text})["price"] == price


def test_prices_are_left_to_the_import() -> None:
    product_values = values({"Variant Price": "0.00", "Compare-at price": "0"})
    assert (product_values["price"], product_values["compare_at_price"]) == ("0.00", "0")


def test_price_errors_name_the_line_of_their_row() -> None:
    entry = product(
        {"Variant Price": "9.00 - 12.00", "Option1 Value": "S"},
        {"Compare-at price": "9/12", "Option1 Value": "M"},
    )
    assert entry.values is None
    assert [(error.line, error.field, error.value) for error in entry.errors] == [
        (2, "price", "9.00 - 12.00"),
        (3, "compare_at_price", "9/12"),
    ]


@pytest.mark.parametrize(
    ("text", "stock"), [("", None), ("5", 5), ("5.0", 5), ("-3", -3), ("0", 0), ("2.5", "2.5")]
)
def test_stock(text: str, stock: object) -> None:
    assert values({"Variant Inventory Qty": text}).get("stock_quantity") == stock


@pytest.mark.parametrize(
    ("row", "tracked"),
    [
        ({"Inventory tracker": "", "Inventory quantity": "5"}, False),
        ({"Inventory tracker": "shopify", "Inventory quantity": "5"}, True),
        ({"Inventory tracker": "shopify", "Inventory quantity": ""}, None),
        ({"Inventory tracker": "shopify"}, None),
        ({"Inventory tracker": ""}, False),
        ({"Inventory tracker": "amazon", "Inventory quantity": "1"}, True),
        ({"Inventory tracker": "shopify", "Variant Inventory Policy": "Continue"}, False),
        ({"Inventory tracker": "shopify", "Continue selling when out of stock": "TRUE"}, False),
        ({"Variant Inventory Policy": "continue"}, False),
        ({"Variant Inventory Policy": "deny"}, None),
        ({}, None),
    ],
)
def test_track_stock(row: Row, tracked: bool | None) -> None:  # noqa: FBT001 - a case
    assert values(row).get("track_stock") is tracked


@pytest.mark.parametrize(
    ("published", "status", "active", "listed"),
    [
        ("TRUE", None, True, None),
        ("false", None, False, None),
        ("FALSCH", None, False, None),
        ("", None, None, None),
        (None, "active", True, True),
        (None, "Unlisted", True, False),
        ("FALSE", "unlisted", False, False),
        (None, "Draft", False, None),
        (None, "ARCHIVED", False, None),
        (None, "", None, None),
        ("", "", None, None),
        ("true", "", True, None),
        ("", "active", True, True),
        ("TRUE", "draft", False, None),
        ("FALSE", "active", False, True),
        (None, None, None, None),
    ],
)
def test_published_and_status(
    published: str | None,
    status: str | None,
    active: bool | None,  # noqa: FBT001 - a case
    listed: bool | None,  # noqa: FBT001 - a case
) -> None:
    row = {"Published": published, "Status": status}
    product_values = values({name: text for name, text in row.items() if text is not None})
    assert product_values.get("is_active") is active
    assert product_values.get("is_listed") is listed


def test_unknown_status_is_ignored_with_a_warning() -> None:
    assert "is_active" not in values({"Status": "Live"})
    warnings = product({"Status": "Live", "Published": "perhaps"}).warnings
    assert [(warning.message, warning.column, warning.value) for warning in warnings] == [
        ("Unknown Published value 'perhaps': ignored", "Published", "perhaps"),
        ("Unknown Status value 'Live': ignored", "Status", "Live"),
    ]


@pytest.mark.parametrize(
    ("text", "weight"),
    [("500", "500"), ("0.5", "0.5"), ("1 kg", "1 kg"), ("0", None), ("0.00", None), ("", None)],
)
def test_weights_are_always_in_grams(text: str, weight: str | None) -> None:
    row = {"Variant Grams": text, "Variant Weight Unit": "kg"}
    assert values(row)["weight_grams"] == weight


LONG_KEY = "shopify--discovery--product_recommendation.complementary_products"
LONG_KEY_2 = "shopify--discovery--product_search_boost.complementary_products"


def test_metafield_with_a_long_name_is_named_by_its_label() -> None:
    row = {f"Complementary products (product.metafields.{LONG_KEY})": "red-mug"}
    assert values(row)["attribute_edits"] == {"Complementary products": "red-mug"}


def test_metafields_with_long_names_and_the_same_label_are_named_by_their_keys() -> None:
    row = {
        f"Complementary products (product.metafields.{key})": key for key in (LONG_KEY, LONG_KEY_2)
    }
    assert values(row)["attribute_edits"] == {LONG_KEY: LONG_KEY, LONG_KEY_2: LONG_KEY_2}


def test_metafield_with_a_long_label_is_named_by_its_key() -> None:
    row = {f"{'x' * 101} (product.metafields.a.b)": "1"}
    assert values(row)["attribute_edits"] == {"a.b": "1"}


FABRIC = "Fabric (variant.metafields.custom.fabric)"


def test_metafield_of_variants_is_an_attribute_if_all_agree() -> None:
    rows = [{"Option1 Value": size, "Price": "1", FABRIC: "linen"} for size in ("S", "M")]
    assert values(*rows)["attribute_edits"] == {FABRIC: "linen"}
    assert unused_columns(*rows) == {}


def test_metafield_of_variants_that_differs_is_reported() -> None:
    rows = [
        {"Option1 Value": "S", "Price": "1", FABRIC: "cotton"},
        {"Option1 Value": "M", "Price": "1", FABRIC: ""},
    ]
    assert "attribute_edits" not in values(*rows)
    assert unused_columns(*rows) == {FABRIC: "cotton"}


def test_metafields_that_differ_by_punctuation_are_distinct() -> None:
    row = {"F (product.metafields.a.b_c)": "1", "F (product.metafields.a.bc)": "2"}
    assert values(row)["attribute_edits"] == row


def test_images_are_ordered_by_position() -> None:
    images = values(
        {"Image Src": "https://x.y/2.jpg", "Image Position": "2", "Image Alt Text": "two"},
        {
            "Image Src": "//x.y/1.jpg",
            "Image Position": "1",
            "Variant Image": "https://x.y/v.jpg",
        },
        {"Image Src": "a.jpg", "Image Position": ""},
        {"Image Src": "https://x.y/3.jpg", "Image Position": "10"},
        {"Image Src": "https://x.y/2.jpg", "Variant Image": "//x.y/1.jpg"},
    )["images"]
    assert images == [
        {"ref": "//x.y/1.jpg", "alt": None},
        {"ref": "https://x.y/2.jpg", "alt": "two"},
        {"ref": "https://x.y/3.jpg", "alt": None},
        {"ref": "a.jpg", "alt": None},
        {"ref": "https://x.y/v.jpg", "alt": None},
    ]


def test_first_alt_text_of_an_image_counts() -> None:
    rows = [{"Image Src": "https://x.y/1.jpg", "Image Alt Text": alt} for alt in ("", "a", "b")]
    assert values(*rows)["images"] == [{"ref": "https://x.y/1.jpg", "alt": "a"}]


def test_alt_texts_without_a_column_are_omitted() -> None:
    assert values({"Image Src": "https://x.y/1.jpg"})["images"] == [{"ref": "https://x.y/1.jpg"}]


def test_images_of_variants_alone_do_not_replace_those_of_the_product() -> None:
    row = {"Option1 Value": "S", "Variant Image": "https://x.y/1.jpg"}
    assert "images" not in values(row)
    assert variants(values(row))[0]["image"] == "https://x.y/1.jpg"


def test_product_after_a_too_large_one_is_read() -> None:
    body = "x" * (1024 * 1024)
    text = "Handle,Title,Price,Body (HTML)\n" + f"egg,Egg,1,{body}\n" * 17 + "ham,Ham,1,\n"
    entries = read(text)
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [(2, True), (19, False)]
    assert "16,777,216 bytes" in entries[0].errors[0].message


TEXT = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1).filter(
    lambda text: not text.startswith("'")
)  # an apostrophe before a formula or a digit is removed
HANDLE = st.text("abc-", min_size=1, max_size=3)


@given(st.lists(st.tuples(HANDLE, TEXT, TEXT, st.integers(1, 10**9)), min_size=1))
def test_csv_round_trip(rows: list[tuple[str, str, str, int]]) -> None:
    names = ("Handle", "Title", "Vendor", "Inventory quantity")
    table = [
        dict(zip(names, map(str, row), strict=True)) | {"Price": "1", "Option1 Value": f"o{number}"}
        for number, row in enumerate(rows)
    ]
    entries = read(csv_text(*table))
    first_rows = {handle: row for handle, *row in reversed(rows)}
    assert {entry.values["slug"]: entry.values["name"] for entry in entries if entry.values} == {
        handle: row[0] for handle, row in first_rows.items()
    }
    for entry in entries:
        assert entry.values
        product_rows = [row for row in rows if row[0] == entry.values["slug"]]
        stocks = [variant["stock_quantity"] for variant in variants(entry.values)]
        assert stocks == [row[3] for row in product_rows]
    assert [entry.values["slug"] for entry in entries if entry.values] == list(
        dict.fromkeys(row[0] for row in rows)
    )


@given(st.binary())
def test_any_bytes_are_read_without_a_crash(data: bytes) -> None:
    header = b"Handle,Title,Price,Image Src,Body (HTML)\n"
    entries = {
        entry.line: entry.values
        for entry in read_products(io.BytesIO(header + b"the-egg,Egg,2,,\n" + data)).entries
        if entry.line != 1
    }
    assert min(entries) == 2
    assert (entries[2] or {})["name"] == "Egg"


def generate_rows(rows: int) -> Iterator[bytes]:
    """Yield the rows of products; a tenth of them are second rows, far from the first."""
    yield b"\xef\xbb\xbf"
    yield b"Handle,Title,Body (HTML),Option1 Value,Price,Image Src\n"
    body = "x" * 1000
    for number in range(rows):
        handle = f"egg-{number % (rows - rows // 10)}"
        yield f"{handle},Egg,{body},o{number},1,https://x.y/{number}.jpg\n".encode()


def test_memory_does_not_grow_with_the_file_size() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_products(GeneratedFile(generate_rows(3_000))).entries)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 2_700
    assert peak < 1_000_000  # a third of the file
