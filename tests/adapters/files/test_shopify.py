import csv
import io
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.html import clean_html
from eggypro_core.domain.product import IMPORT_READ_ONLY_FIELDS
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError, ParseError

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "shopify"
Row = dict[str, str]


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="shopify"))


def csv_text(*rows: Row) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def product(*rows: Row) -> ImportEntry:
    """Return the entry of rows with handle `egg`; the first row has a title and a price."""
    first_row = {"Handle": "egg", "Title": "Egg", "Variant Price": "2.00"}
    other_rows = [{"Handle": "egg", **row} for row in rows[1:]]
    (entry,) = read(csv_text({**first_row, **(rows[0] if rows else {})}, *other_rows))
    return entry


def values(*rows: Row) -> dict[str, object]:
    entry = product(*rows)
    assert entry.values is not None, entry.errors
    return dict(entry.values)


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
        entries = list(read_products(stream))
    assert len(entries) > 15
    for entry in entries:
        assert entry.errors == ()
        assert entry.values is not None
        assert (
            ProductChanges.parse(entry.values, clean_html, read_only=IMPORT_READ_ONLY_FIELDS)
            .to_draft()
            .price
            > 0
        )


OLD_ROW = {
    "Handle": "Red-Egg",
    "Title": "Red egg",
    "Body (HTML)": "<p>One &amp; only</p><p>egg</p>",
    "Vendor": "Hen & Co",
    "Type": "Food",
    "Tags": "Red, Egg",
    "Published": "TRUE",
    "Option1 Name": "Title",
    "Option1 Value": "Default Title",
    "Variant SKU": "E-1",
    "Variant Grams": "500.0",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "7",
    "Variant Inventory Policy": "deny",
    "Variant Price": "24.99",
    "Variant Compare At Price": "29.99",
    "Variant Barcode": "123",
    "Image Src": "https://x.y/1.jpg",
    "Image Position": "1",
    "Image Alt Text": "An egg",
    "Gift Card": "FALSE",
    "SEO Title": "Eggs",
    "SEO Description": "",
    "Google Shopping / Gender": "any",
    "Cost per item": "1",
    "Included / Canada": "TRUE",
    "Price / Canada": "30",
    "Compare At Price / Canada": "40",
    "Unit Price Total Measure Unit": "g",
    "Option1 Linked To": "product.metafields.a.b",
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
    "Compare At Price / Canada": "Compare-at price / Canada",
    "SEO Title": "SEO title",
}
COMPLETE_VALUES = {
    "slug": "red-egg",
    "name": "Red egg",
    "details": "<p>One &amp; only</p><p>egg</p>",
    "description": "One & only\n\negg",
    "seo_title": "Eggs",
    "seo_description": None,
    "is_active": True,
    "price": "24.99",
    "compare_at_price": "29.99",
    "stock_quantity": 7,
    "track_stock": True,
    "sku": "E-1",
    "images": [{"ref": "https://x.y/1.jpg", "alt": "An egg"}],
    "attributes": {
        "Vendor": "Hen & Co",
        "Type": "Food",
        "Tags": "Red, Egg",
        "Google Shopping / Gender": "any",
        "Colour (product.metafields.shopify.color-pattern)": "red",
        "Barcode": "123",
        "Weight": "500 g",
    },
}


def test_product_with_old_column_names() -> None:
    assert read(csv_text(OLD_ROW)) == [ImportEntry(2, COMPLETE_VALUES)]


def test_product_with_new_column_names() -> None:
    row = {NEW_NAMES.get(name, name): value for name, value in OLD_ROW.items()}
    row["Continue selling when out of stock"] = "FALSE"
    assert list(read_products(io.BytesIO(csv_text(row).encode()))) == [
        ImportEntry(2, COMPLETE_VALUES)
    ]


def test_fields_without_a_column_are_omitted() -> None:
    assert values() == {"slug": "egg", "name": "Egg", "price": "2.00"}
    assert read("Handle,Title\negg,Egg\n") == [ImportEntry(2, {"slug": "egg", "name": "Egg"})]


def test_header_requires_a_handle() -> None:
    with pytest.raises(ParseError, match="found 'Title', 'Price'"):
        read("Title,Price\nEgg,1\n")


def test_unknown_columns_are_reported_once() -> None:
    entries = read(csv_text({**OLD_ROW, "Colour": "red"}, {"Handle": "ham", "Variant Price": "1"}))
    assert entries[0] == ImportEntry(
        1, None, warnings=(FieldError("Colour", "Unknown column: ignored"),)
    )
    assert len(entries) == 3


def test_product_without_a_title_has_no_name() -> None:
    assert "name" not in values({"Title": ""})


def test_first_row_with_a_title_has_the_product_values() -> None:
    product_values = values(
        {"Title": "", "Vendor": "a"}, {"Title": "Ham", "Vendor": "b"}, {"Title": "Rye"}
    )
    assert product_values["name"] == "Ham"
    assert product_values["attributes"] == {"Vendor": "b"}


def test_missing_handle_is_made_from_the_title() -> None:
    entries = read("Handle,Title,Price\n ,Süßer Schinken,1\negg,Egg,2\n,Search,3\n")
    slugs = [entry.values["slug"] for entry in entries if entry.values]
    assert slugs == ["susser-schinken", "egg", "search-2"]


def test_row_with_neither_handle_nor_title_is_an_error() -> None:
    entries = read("Handle,Title,Price\negg,Egg,2\n,,3\n")
    assert entries[0] == ImportEntry(
        3, None, (FieldError("slug", "The row has neither a handle nor a title: add one"),)
    )
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [(3, True), (2, False)]


def test_unreadable_rows_do_not_affect_other_rows() -> None:
    entries = read('Handle,Title,Price\na,A,1,x\nb,"B"b,1\nc,C,1\nd,"D\n')
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [
        (2, True),
        (3, True),
        (5, True),
        (4, False),
    ]


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
    assert entries[0].warnings[0] == FieldError(
        "slug",
        "The rows of handle 'b' are not together (lines 2, 6, 8): imported as one product",
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
            "Variant Image": "//x.y/s.jpg",
        },
        {"Option1 Value": "M", "Variant Price": "60", "Variant Compare At Price": "65"},
        {"Image Src": "https://x.y/z.jpg"},
        {"Option1 Value": "S", "Option2 Value": "Blue", "Variant Price": "80"},
    )
    product_values = values(*rows)
    first, second, third = variants(product_values)
    assert first == {
        "options": {"Size": "S", "Colour": "Red"},
        "price": "70",
        "compare_at_price": None,
        "stock_quantity": 1,
        "track_stock": True,
        "sku": "S-1",
        "image": "https://x.y/s.jpg",
        "position": 0,
        "is_active": True,
    }
    assert second["options"] == {"Size": "M"}
    assert (second["price"], second["compare_at_price"], second["sku"]) == ("60", "65", None)
    assert (second["track_stock"], second["image"], second["position"]) == (False, None, 1)
    assert (third["options"], third["position"]) == ({"Size": "S", "Colour": "Blue"}, 2)
    assert product_values["sku"] is None
    variant_fields = {"price", "compare_at_price", "stock_quantity", "track_stock"}
    assert not variant_fields & product_values.keys()
    assert warnings(*rows) == []


def test_variant_fields_without_a_column_are_omitted() -> None:
    product_values = values({"Option1 Value": "S"})
    assert product_values["variants"] == [
        {"options": {"Option1": "S"}, "price": "2.00", "position": 0, "is_active": True}
    ]
    assert "sku" not in product_values


def test_option_names_may_be_on_any_row_and_default_to_numbers() -> None:
    rows = (
        {"Option1 Value": "S", "Option3 Value": "x"},
        {"Option1 Value": "M", "Option1 Name": "Size", "Variant Price": "1"},
    )
    assert [variant["options"] for variant in variants(values(*rows))] == [
        {"Size": "S", "Option3": "x"},
        {"Size": "M"},
    ]


def test_options_with_the_same_name_are_an_error() -> None:
    row = {"Option1 Name": "Size", "Option2 Name": "Size", "Option1 Value": "S"}
    assert errors(row | {"Option2 Value": "M"}) == [
        "Two options are named 'Size': option names must differ"
    ]


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"Option1 Name": "Title", "Option1 Value": "Default Title"},
        {"Option1 Name": "Title", "Option1 Value": ""},
        {"Option1 Value": "default title", "Option2 Value": ""},
    ],
)
def test_default_variant_becomes_the_product_itself(row: Row) -> None:
    product_values = values(row)
    assert product_values["price"] == "2.00"
    assert "variants" not in product_values


@pytest.mark.parametrize("row", [{"Option1 Value": "S"}, {"Option2 Value": "Default Title"}])
def test_single_row_with_an_option_becomes_a_variant(row: Row) -> None:
    assert prices(values(row)) == ["2.00"]


def test_error_of_variants_with_the_same_options_names_both_lines() -> None:
    rows = [{"Option1 Value": value, "Variant Price": "1"} for value in ("S", "M  L", "S", "M L")]
    assert errors(*rows) == [
        "Lines 2 and 4 are variants with the same options: Option1 S",
        "Lines 3 and 5 are variants with the same options: Option1 M L",
    ]


def test_variant_without_options_is_an_error() -> None:
    rows = [{"Option1 Value": "S"}, {"Variant Price": "1"}, {"Variant Price": "2"}]
    assert errors(*rows) == [
        "Line 3: The variant has no option value: each needs one",
        "Lines 3 and 4 are variants with the same options: none",
    ]


def test_variant_without_a_price_is_an_error() -> None:
    rows = [{"Option1 Value": "S"}, {"Option1 Value": "M"}]
    assert errors(*rows) == ["Line 3: The variant has no price: each variant needs one"]


def test_variants_are_not_imported_without_a_price_column() -> None:
    (entry,) = read("Handle,Title,Option1 Value,SKU\negg,Egg,S,1\negg,,M,2\n")
    assert entry.values == {"slug": "egg", "name": "Egg"}
    assert entry.warnings == (
        FieldError("variants", "The file has no price column: the 2 variants are not imported"),
    )


def test_dropped_barcodes_and_weights_of_variants_are_reported_once() -> None:
    rows = [
        {"Option1 Value": "S", "Barcode": "1", "Variant Grams": "5"},
        {"Option1 Value": "M", "Barcode": "2", "Variant Grams": "6", "Variant Price": "1"},
    ]
    assert warnings(*rows) == [
        ("variants", "The barcodes and weights of the 2 variants are not imported")
    ]
    same = [row | {"Variant Grams": "5", "Barcode": ""} for row in rows]
    assert warnings(*same) == []
    assert values(*same)["attributes"] == {"Weight": "5 g"}


def test_sku_and_barcode_of_a_single_variant_may_be_on_any_row() -> None:
    product_values = values(
        {"Variant Price": ""}, {"Variant Price": "1", "Variant SKU": "A", "Barcode": "9"}
    )
    assert product_values["sku"] == "A"
    assert product_values["attributes"] == {"Barcode": "9"}


def test_product_without_any_price_is_skipped() -> None:
    entry = product({"Variant Price": "", "Option1 Value": "S"}, {"Option1 Value": "M"})
    assert entry.values is None
    assert entry.errors == ()
    assert entry.warnings == (FieldError("price", "Skipped: no price"),)


def test_compare_at_price_not_above_the_price_is_ignored() -> None:
    assert values({"Compare-at price": "2.00"})["compare_at_price"] is None
    assert warnings({"Compare-at price": "0"}) == [
        ("compare_at_price", "Compare-at price 0 is not above the price 2.00: ignored")
    ]
    assert values({"Compare-at price": ""})["compare_at_price"] is None


def test_price_errors_name_the_line_of_their_row() -> None:
    entry = product(
        {"Variant Price": "2,00", "Option1 Value": "S"},
        {"Variant Price": "€3", "Option1 Value": "M"},
        {"Variant Price": "free", "Option1 Value": "L"},
    )
    advice = "is not a plain price: write it with a decimal point and nothing else, like 1234.50"
    assert entry.values is None
    assert entry.errors == (
        FieldError("price", f"'2,00' {advice}"),
        FieldError("price", f"Line 3: '€3' {advice}"),
        FieldError("price", 'Line 4: Price must be a number such as "24.99"'),
    )


def test_compare_at_price_that_is_not_a_number_is_an_error() -> None:
    (error,) = product({"Compare-at price": "3,00"}).errors
    assert error.field == "compare_at_price"


def test_price_of_zero_is_left_to_its_validator() -> None:
    assert values({"Variant Price": "0.00"})["price"] == "0.00"


@pytest.mark.parametrize(("text", "stock"), [("", 0), ("5", 5), ("5.0", 5), ("-3", 0), ("0", 0)])
def test_stock(text: str, stock: int) -> None:
    assert values({"Variant Inventory Qty": text})["stock_quantity"] == stock


def test_warning_about_negative_stock_names_its_line() -> None:
    image_only = {"Image Src": "https://x.y", "Inventory quantity": "-3"}
    assert warnings({"Inventory quantity": "1"}, image_only) == []
    medium = {"Option1 Value": "M", "Inventory quantity": "-3", "Variant Price": "1"}
    assert warnings({"Option1 Value": "S"}, medium) == [
        ("stock_quantity", "Line 3: Negative stock (-3): imported as 0")
    ]


def test_stock_that_is_not_an_integer_is_an_error() -> None:
    assert product({"Inventory quantity": "many"}).errors == (
        FieldError("stock_quantity", "Stock quantity must be an integer"),
    )


@pytest.mark.parametrize(
    ("row", "tracked"),
    [
        ({"Inventory tracker": ""}, False),
        ({"Inventory tracker": "shopify"}, True),
        ({"Inventory tracker": "amazon", "Variant Inventory Policy": "DENY"}, True),
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
    ("published", "status", "active"),
    [
        ("TRUE", None, True),
        ("false", None, False),
        ("", None, None),
        (None, "active", True),
        (None, "Draft", False),
        (None, "ARCHIVED", False),
        (None, "", None),
        ("", "", None),
        ("true", "", True),
        ("", "active", True),
        ("TRUE", "draft", False),
        ("FALSE", "active", False),
        (None, None, None),
    ],
)
def test_is_active(
    published: str | None,
    status: str | None,
    active: bool | None,  # noqa: FBT001 - a case
) -> None:
    row = {"Published": published, "Status": status}
    product_values = values({name: text for name, text in row.items() if text is not None})
    assert product_values.get("is_active") is active


def test_unknown_status_is_ignored_with_a_warning() -> None:
    assert "is_active" not in values({"Status": "unlisted"})
    assert warnings({"Status": "unlisted", "Published": "perhaps"}) == [
        ("is_active", "Unknown Published value 'perhaps': ignored"),
        ("is_active", "Unknown Status value 'unlisted': ignored"),
    ]


@pytest.mark.parametrize(
    ("text", "weight"),
    [("500", "500 g"), ("0.5", "0.5 g"), ("1000.0", "1000 g"), ("453.592", "453.592 g"),
     ("0", None), ("0.00", None), ("", None)],
)  # fmt: skip
def test_weights_are_always_in_grams(text: str, weight: str | None) -> None:
    attributes = values({"Variant Grams": text, "Variant Weight Unit": "kg"})["attributes"]
    assert attributes == ({"Weight": weight} if weight else {})


def test_weight_that_is_not_a_number_is_ignored() -> None:
    assert warnings({"Variant Grams": "1 kg"}) == [
        ("attributes", "Weight '1 kg' is not a number of grams: ignored")
    ]


def test_too_long_and_too_many_attributes_are_ignored() -> None:
    metafields = {f"F{n} (product.metafields.a.f{n})": "x" for n in range(51)}
    attributes = values({"Tags": "t" * 1001, "Vendor": "v" * 1000, **metafields})["attributes"]
    assert isinstance(attributes, dict)
    assert list(attributes) == ["Vendor", *list(metafields)[:49]]
    assert warnings({"Tags": "t" * 1001, "Vendor": "v", **metafields}) == [
        ("attributes", "Attribute 'Tags' is longer than 1000 characters: ignored"),
        ("attributes", "52 attributes: only the first 50 are imported"),
    ]


def test_metafield_with_too_long_a_name_is_reported_once() -> None:
    name = "x" * 80 + " (product.metafields.a.b)"
    (entry, product_entry) = read(csv_text({"Handle": "egg", "Title": "Egg", name: "1"}))
    assert [warning.message for warning in entry.warnings] == [
        "Column name is longer than 100 characters: ignored"
    ]
    assert product_entry.values == {"slug": "egg", "name": "Egg"}


def test_metafields_that_differ_by_punctuation_are_distinct() -> None:
    row = {"F (product.metafields.a.b_c)": "1", "F (product.metafields.a.bc)": "2"}
    assert values(row)["attributes"] == row


def test_images_are_ordered_by_position() -> None:
    images = values(
        {"Image Src": "https://x.y/2.jpg", "Image Position": "2", "Image Alt Text": "two"},
        {"Image Src": "//x.y/1.jpg", "Image Position": "1", "Variant Image": "https://x.y/v.jpg"},
        {"Image Src": "http://x.y/4.jpg", "Image Position": ""},
        {"Image Src": "https://x.y/3.jpg", "Image Position": "10"},
        {"Image Src": "https://x.y/2.jpg", "Variant Image": "//x.y/1.jpg"},
    )["images"]
    assert images == [
        {"ref": "https://x.y/1.jpg", "alt": None},
        {"ref": "https://x.y/2.jpg", "alt": "two"},
        {"ref": "https://x.y/3.jpg", "alt": None},
        {"ref": "https://x.y/4.jpg", "alt": None},
        {"ref": "https://x.y/v.jpg", "alt": None},
    ]


@pytest.mark.parametrize(
    "text", ["a.jpg", "/a.jpg", "ftp://x.y/a.jpg", "data:image/png;base64,x", "https://", "https:x",
             "https://x.y/a b.jpg", "https://x.y/" + "a" * 2048]
)  # fmt: skip
def test_image_without_an_absolute_url_is_ignored(text: str) -> None:
    assert values({"Image Src": text})["images"] == []
    ((field, message),) = warnings({"Variant Image": text})
    assert field == "images"
    assert message.endswith("is not a valid absolute URL: ignored")


def test_at_most_fifty_images_are_imported() -> None:
    rows = [{"Image Src": f"https://x.y/{n}.jpg"} for n in range(63)]
    images = values(*rows)["images"]
    assert isinstance(images, list)
    assert images[-1] == {"ref": "https://x.y/49.jpg", "alt": None}
    assert warnings(*rows) == [("images", "63 images: only the first 50 are imported")]


def test_long_texts_are_truncated_with_a_warning() -> None:
    row = {
        "Body (HTML)": "<p>" + "word " * 1001 + "</p>",
        "SEO Title": "s" * 256,
        "SEO Description": "d" * 499 + " more",
        "Image Src": "https://x.y",
        "Image Alt Text": "word " * 60,
    }
    product_values = values(row)
    assert product_values["description"] == ("word " * 1000).rstrip()
    assert product_values["details"] == row["Body (HTML)"]
    assert (product_values["seo_title"], product_values["seo_description"]) == (
        "s" * 255,
        "d" * 499,
    )
    assert product_values["images"] == [{"ref": "https://x.y", "alt": ("word " * 51).rstrip()}]
    assert warnings(row) == [
        ("description", "Description is longer than 5000 characters: truncated"),
        ("seo_title", "SEO title is longer than 255 characters: truncated"),
        ("seo_description", "SEO description is longer than 500 characters: truncated"),
        ("images", "An image's alt text is longer than 255 characters: truncated"),
    ]


def test_product_after_a_too_large_one_is_read() -> None:
    body = "x" * (1024 * 1024)
    text = "Handle,Title,Price,Body (HTML)\n" + f"egg,Egg,1,{body}\n" * 17 + "ham,Ham,1,\n"
    entries = read(text)
    assert [(entry.line, bool(entry.errors)) for entry in entries] == [(2, True), (19, False)]
    assert "16,777,216 bytes" in entries[0].errors[0].message


TEXT = st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1).filter(
    lambda text: not text.startswith("'")
)  # an apostrophe before a formula is removed
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
        for entry in read_products(io.BytesIO(header + b"the-egg,Egg,2,,\n" + data))
    }
    assert min(entries) == 2
    assert (entries[2] or {})["name"] == "Egg"


class GeneratedFile(io.BytesIO):
    """A file of many rows that is generated while it is read."""

    def __init__(self, rows: int) -> None:
        self._rows = self._generate(rows)

    def read(self, _size: int | None = -1, /) -> bytes:
        return next(self._rows, b"")

    @staticmethod
    def _generate(rows: int) -> Iterator[bytes]:
        yield b"\xef\xbb\xbf"
        yield b"Handle,Title,Body (HTML),Option1 Value,Price,Image Src\n"
        body = "x" * 1000
        for number in range(rows):
            handle = f"egg-{number % (rows - rows // 10)}"
            yield f"{handle},Egg,{body},o{number},1,https://x.y/{number}.jpg\n".encode()


def test_memory_does_not_grow_with_the_file_size() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_products(GeneratedFile(3_000)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 2_700
    assert peak < 1_000_000  # a third of the file
