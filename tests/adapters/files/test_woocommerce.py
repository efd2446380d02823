import csv
import io
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import NhHtmlCleaner, read_products
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError, ParseError
from eggypro_core.services.products import ProductService
from tests.support.builders import NOON

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "woocommerce"
Row = dict[str, str]
SIMPLE = {"Type": "simple", "Name": "Egg", "Regular price": "2.00"}


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="woocommerce"))


def csv_text(*rows: Row) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def product(row: Mapping[str, str], *variations: Row) -> ImportEntry:
    """Return the entry of a product with variations that have it as their parent."""
    children = [{"Type": "variation", "Parent": "id:7", **variation} for variation in variations]
    (entry,) = read(csv_text({"ID": "7", **SIMPLE, **row}, *children))
    return entry


def values(row: Mapping[str, str], *variations: Row) -> dict[str, Any]:
    entry = product(row, *variations)
    assert entry.values is not None, (entry.errors, entry.warnings)
    return dict(entry.values)


def warnings(row: Mapping[str, str], *variations: Row) -> list[str]:
    return [warning.message for warning in product(row, *variations).warnings]


def size_variation(size: str, **cells: str) -> Row:
    row = {"Attribute 1 name": "Size", "Attribute 1 value(s)": size, "Regular price": "5"}
    return row | {name.replace("_", " "): cell for name, cell in cells.items()}


def test_second_import_of_files_of_real_shops_changes_nothing() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the sample files are not beside this repository ({SHARED})")
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON)
    for file in SHARED.glob("*.csv"):
        with file.open("rb") as stream:
            first = catalog.import_products(read_products(stream))
            assert (first.created, first.refused) == (16, ())
            stream.seek(0)
            again = catalog.import_products(read_products(stream))
            assert (again.created, again.changed, again.unchanged) == (0, 0, 16)
    hoodie = catalog.get("hoodie")
    assert (str(hoodie.price), str(hoodie.compare_at_price)) == ("42.00", "45.00")
    assert hoodie.variant_count == 4


def test_simple_product() -> None:
    row = {
        "ID": "44",
        "Type": "simple, virtual",
        "SKU": "E-1",
        "GTIN, UPC, EAN, or ISBN": "123",
        "Name": "Tom &amp; Jerry's",
        "Published": "1",
        "Is featured?": "0",
        "Short description": "A <b>good</b> egg\\nfor all",
        "Description": "First\\n\\nsecond\\nline",
        "In stock?": "1",
        "Stock": "7",
        "Backorders allowed?": "0",
        "Weight (kg)": "0.5",
        "Sale price": "1,50",
        "Regular price": "2,00",
        "Categories": "Food &gt; Eggs, Fresh",
        "Tags": "a, b",
        "Images": "https://x.y/1.jpg, http://x.y/2.jpg, local.jpg",
        "Attribute 1 name": "Colour",
        "Attribute 1 value(s)": "Red, Blue\\, dark",
        "Attribute 1 visible": "1",
        "Attribute 1 global": "1",
        "Meta: _private": "x",
        "Meta: origin": "Farm",
        "Meta: _yoast_wpseo_title": "Eggs",
        "Download 1 name": "",
        "Colour of hen": "white",
    }
    unknown, entry = list(read_products(io.BytesIO(csv_text(row).encode("utf-8-sig"))))
    assert unknown == ImportEntry(
        1, None, warnings=(FieldError("Colour of hen", "Unknown column: ignored"),)
    )
    assert entry.values == {
        "name": "Tom & Jerry's",
        "sku": "E-1",
        "details": "<p>First</p><p>second<br>line</p>",
        "description": "A good egg\nfor all",
        "seo_title": "Eggs",
        "price": "1.50",
        "compare_at_price": "2.00",
        "stock_quantity": 7,
        "track_stock": True,
        "is_active": True,
        "images": [
            {"ref": "https://x.y/1.jpg", "alt": None},
            {"ref": "https://x.y/2.jpg", "alt": None},
        ],
        "categories": [["Food", "Eggs"], ["Fresh"]],
        "attributes": {
            "Barcode": "123",
            "Tags": "a, b",
            "origin": "Farm",
            "Weight": "0.5 kg",
            "Colour": "Red, Blue, dark",
        },
    }
    assert [warning.message for warning in entry.warnings] == [
        "Image 'local.jpg' is not a valid absolute URL: ignored"
    ]


@pytest.mark.parametrize(
    ("cell", "paths"),
    [
        ("", []),
        (" , > ,", []),
        ("Food>Bars , Food", [["Food", "Bars"], ["Food"]]),
        ("Food\\, good > [New] &amp; <b>, Food", [["Food, good", "[New] & b"], ["Food"]]),
        ("x" * 99 + " yz", [["x" * 99]]),
    ],
)
def test_categories_are_paths_of_names(cell: str, paths: list[list[str]]) -> None:
    row = {"Type": "simple", "Name": "Egg", "Regular price": "1", "Categories": cell}
    (entry,) = read(csv_text(row))
    assert (entry.values or {})["categories"] == paths


def test_column_with_too_long_a_name_is_reported() -> None:
    name = "Meta: " + "x" * 101
    file = io.BytesIO(csv_text({"Name": "Egg", name: "1"}).encode())
    (header, entry) = list(read_products(file, file_format="woocommerce"))
    assert [warning.message for warning in header.warnings] == [
        "Column name is longer than 100 characters: ignored"
    ]
    assert entry.values is not None
    assert entry.values["name"] == "Egg"


def test_fields_without_a_column_are_omitted() -> None:
    assert read("Name,Type,Regular price\nEgg,simple,2\n") == [
        ImportEntry(2, {"name": "Egg", "price": "2"})
    ]
    assert read("Name,Stock\nEgg,3\n")[0].values == {
        "name": "Egg",
        "stock_quantity": 3,
        "track_stock": True,
    }


def test_header_requires_a_name() -> None:
    with pytest.raises(ParseError, match="found 'SKU', 'Stock'"):
        read("SKU,Stock\n1,2\n")


@pytest.mark.parametrize(
    ("regular", "sale", "price", "compare_at"),
    [
        ("5", "", "5", None),
        ("5", "4", "4", "5"),
        ("5", "5", "5", None),
        ("5", "6", "5", None),
        ("", "4", "4", None),
        ("19,9", "9,99", "9.99", "19.9"),
    ],
)
def test_prices(regular: str, sale: str, price: str, compare_at: str | None) -> None:
    product_values = values({"Regular price": regular, "Sale price": sale})
    assert (product_values["price"], product_values["compare_at_price"]) == (price, compare_at)


def test_ignored_sale_price_and_ignored_sale_dates_are_reported() -> None:
    assert warnings({"Sale price": "2.00"}) == [
        "Sale price 2.00 is not below the price 2.00: ignored"
    ]
    assert warnings({"Sale price": "1", "Date sale price ends": "2026-01-01"}) == [
        "The dates of the sale are ignored: the sale price 1 becomes the price"
    ]


@pytest.mark.parametrize("text", ["1,234", "1.234,50", "€5"])
def test_ambiguous_prices_are_errors(text: str) -> None:
    (error,) = product({"Regular price": text}).errors
    assert error.field == "price"


@pytest.mark.parametrize(
    ("stock", "in_stock", "backorders", "quantity", "tracked"),
    [
        ("", "1", "0", 0, False),
        ("", "0", "0", 0, True),
        ("", "backorder", "0", 0, False),
        ("5", "1", "0", 5, True),
        ("5", "1", "1", 5, False),
        ("5", "1", "notify", 5, False),
        ("'-3", "0", "0", 0, True),
        ("0", "0", "", 0, True),
    ],
)
def test_stock(
    stock: str,
    in_stock: str,
    backorders: str,
    quantity: int,
    tracked: bool,  # noqa: FBT001 - a case
) -> None:
    product_values = values(
        {"Stock": stock, "In stock?": in_stock, "Backorders allowed?": backorders}
    )
    assert (product_values["stock_quantity"], product_values["track_stock"]) == (quantity, tracked)


@pytest.mark.parametrize(
    ("text", "active"), [("1", True), ("0", False), ("-1", False), ("2", False), ("", None)]
)
def test_is_active(text: str, active: bool | None) -> None:  # noqa: FBT001 - a case
    assert values({"Published": text}).get("is_active") is active


def test_unknown_published_value_is_ignored_with_a_warning() -> None:
    assert warnings({"Published": "maybe"}) == ["Unknown Published value 'maybe': ignored"]


@pytest.mark.parametrize(
    ("row", "warning"),
    [
        ({"Type": "grouped"}, "Skipped: a grouped product cannot be sold here"),
        ({"Type": "external"}, "Skipped: an external product cannot be sold here"),
        ({"Regular price": ""}, "Skipped: no price"),
        ({"Type": "variable", "Regular price": ""}, "Skipped: no price"),
    ],
)
def test_products_that_cannot_be_sold_are_skipped(row: Row, warning: str) -> None:
    entry = product(row)
    assert (entry.values, entry.errors) == (None, ())
    assert [notice.message for notice in entry.warnings] == [warning]


def test_unknown_type_is_imported_as_a_simple_product() -> None:
    assert values({"Type": "bundle"})["price"] == "2.00"
    assert warnings({"Type": "bundle"}) == ["Unknown Type 'bundle': imported as a simple product"]


def test_variations_become_variants_of_their_parent_on_any_line() -> None:
    parent = {"ID": "9", "Type": "variable", "SKU": "Egg-S", "Name": "Egg", "Published": "1"}
    rows = (
        {
            "Type": "variation",
            "Parent": "egg-s",
            "SKU": "m",
            "Published": "0",
            **size_variation("M"),
        },
        {"Type": "simple", "ID": "1", "Name": "Ham", "Regular price": "1"},
        parent | {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S, M"},
        {"Type": "variation", "Parent": "id:9", "Images": "//x.y/l.jpg", **size_variation("L")},
    )
    egg, ham = read(csv_text(*rows))
    assert (egg.line, ham.line) == (4, 3)
    assert egg.values
    variants: Any = egg.values["variants"]
    medium, large = variants
    assert medium == {
        "options": {"Size": "M"},
        "price": "5",
        "sku": "m",
        "image": None,
        "position": 0,
        "is_active": False,
    }
    assert (large["image"], large["position"], large["sku"]) == ("https://x.y/l.jpg", 1, None)
    assert (egg.values["sku"], egg.values["attributes"]) == ("Egg-S", {})
    assert not {"price", "stock_quantity"} & egg.values.keys()


def test_variations_are_ordered_by_position() -> None:
    product_values = values(
        {},
        size_variation("S", Position="2"),
        size_variation("M", Position="1"),
        size_variation("L"),
    )
    assert [variant["options"]["Size"] for variant in product_values["variants"]] == ["M", "S", "L"]


def test_blank_option_means_any_value() -> None:
    colour = {"Attribute 2 name": "Colour", "Attribute 2 value(s)": "Red"}
    product_values = values(
        {}, size_variation("S") | colour, size_variation("M") | {"Attribute 2 name": "Colour"}
    )
    assert [variant["options"] for variant in product_values["variants"]] == [
        {"Size": "S", "Colour": "Red"},
        {"Size": "M"},
    ]


def test_single_variation_without_options_becomes_the_product_itself() -> None:
    product_values = values({"Regular price": ""}, {"Regular price": "3"})
    assert product_values["price"] == "3"
    assert "variants" not in product_values


def test_variations_without_a_price_are_skipped_with_a_warning() -> None:
    rows = size_variation("S"), size_variation("M") | {"Regular price": ""}
    assert len(values({}, *rows)["variants"]) == 1
    assert warnings({}, *rows) == ["Line 4: The variation has no price: not imported"]
    entry = product({}, rows[1])
    assert (entry.values, entry.errors) == (None, ())
    assert entry.warnings[-1].message == "Skipped: no price"


def test_error_of_variations_with_the_same_options_names_both_lines() -> None:
    (error,) = product({}, size_variation("S"), size_variation("M"), size_variation("S")).errors
    assert error.message == "Lines 3 and 5 are variants with the same options: Size S"


def test_each_variation_that_shares_its_parent_s_stock_gets_all_of_it() -> None:
    parent = {"Stock": "4", "Backorders allowed?": "0"}
    rows = size_variation("S", Stock="parent"), size_variation("M"), size_variation("L", Stock="1")
    variants = values(parent, *rows)["variants"]
    assert [(variant["stock_quantity"], variant["track_stock"]) for variant in variants] == [
        (4, True),
        (4, True),
        (1, True),
    ]
    assert warnings(parent, *rows) == [
        "2 variations share the stock of their parent: each gets all of it"
    ]
    (variant,) = values({}, size_variation("S", Stock="parent"))["variants"]
    assert (variant["stock_quantity"], variant["track_stock"]) == (0, False)


def test_dropped_columns_of_variations_are_reported_once() -> None:
    rows = [size_variation(size) | {"Weight (kg)": "1", "Description": "x"} for size in "SM"]
    assert warnings({}, *rows) == ["The descriptions and sizes of the variations are not imported"]


def test_variations_without_a_parent_are_errors() -> None:
    rows = (
        {"Type": "variation", **size_variation("S")},
        {"Type": "variation", "Parent": "x"} | SIMPLE,
    )
    rows = (rows[0], {**rows[1], "Type": "variation"})
    entries = read(csv_text(*rows))
    assert [(entry.line, entry.errors[0].message) for entry in entries] == [
        (2, "The variation has no Parent: add its product's SKU or id:123"),
        (3, "The variation's parent 'x' is not in the file"),
    ]


def test_products_with_the_same_id_are_an_error() -> None:
    (entry,) = read(csv_text({"ID": "1", **SIMPLE}, {"ID": "1", **SIMPLE}))
    assert entry.errors == (FieldError("id", "Products on lines 2 and 3 have the same ID or SKU"),)


def test_escaped_formulas_are_unescaped() -> None:
    assert values({"SKU": "'-1"})["sku"] == "-1"
    assert values({"SKU": "'+1'"})["sku"] == "+1"
    assert values({"Description": "'- it's'"})["details"] == "- it's'"


def test_escaped_backslash_before_n_is_not_a_line_break() -> None:
    assert values({"Description": "a\\\\nb\\nc"})["details"] == "<p>a\\nb<br>c</p>"
    assert values({"Description": "<p>a</p>\\n<p>b</p>"})["details"] == "<p>a</p>\n<p>b</p>"


def test_description_defaults_to_the_plain_text_of_the_details() -> None:
    assert values({"Description": "<p>Good</p>"})["description"] == "Good"


@given(st.binary())
def test_any_bytes_are_read_without_a_crash(data: bytes) -> None:
    header = b"ID,Type,Name,Regular price,Sale price,Parent,Stock,Images,Description\n"
    entries = {
        entry.line: entry.values
        for entry in read_products(io.BytesIO(header + b"70707,simple,Egg,2\n" + data))
    }
    assert min(entries) == 2
    assert (entries[2] or {})["name"] == "Egg"


CELLS = ("Type", "ID", "SKU", "Parent", "Name", "Regular price", "Attribute 1 value(s)")
WORDS = st.sampled_from(["", "1", "2", "variation", "variable", "simple", "id:1", "egg"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(CELLS, WORDS)), min_size=1))
def test_second_import_of_any_rows_changes_nothing(rows: list[Row]) -> None:
    text = csv_text(*({**row, "Attribute 1 name": "Size"} for row in rows))
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON)
    first = catalog.import_products(read(text), keep_going=True)
    again = catalog.import_products(read(text), keep_going=True)
    assert (again.created, again.changed, again.unchanged) == (0, 0, first.created)
    assert again.refused == first.refused


class GeneratedFile(io.BytesIO):
    """A file that is generated while it is read; variations are far from their parents."""

    def __init__(self, rows: int) -> None:
        self._rows = self._generate(rows)

    def read(self, _size: int | None = -1, /) -> bytes:
        return next(self._rows, b"")

    @staticmethod
    def _generate(rows: int) -> Iterator[bytes]:
        yield b"ID,Type,SKU,Name,Description,Regular price,Parent,Attribute 1 name,"
        yield b"Attribute 1 value(s)\n"
        body = "x" * 1000
        for number in range(rows):
            yield f"{number},variable,s-{number},Egg {number % 1000},{body},,,,\n".encode()
        for number in range(rows):
            yield f",variation,v-{number},,,1,s-{number},Size,S\n".encode()


def test_memory_does_not_grow_with_the_file_size() -> None:
    tracemalloc.start()
    try:
        count = sum(1 for entry in read_products(GeneratedFile(3_000)) if entry.values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 3_000
    assert peak < 1_000_000  # a third of the file
