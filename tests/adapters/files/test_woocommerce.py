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
    return list(read_products(io.BytesIO(text.encode()), form="woocommerce"))


def csv_text(*rows: Row) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def product(row: Mapping[str, str], *variations: Row) -> ImportEntry:
    """Return the entry that a product makes, with variations that name it as their parent."""
    children = [{"Type": "variation", "Parent": "id:7", **one} for one in variations]
    (entry,) = read(csv_text({"ID": "7", **SIMPLE, **row}, *children))
    return entry


def values(row: Mapping[str, str], *variations: Row) -> dict[str, Any]:
    entry = product(row, *variations)
    assert entry.values is not None, (entry.errors, entry.warnings)
    return dict(entry.values)


def warnings(row: Mapping[str, str], *variations: Row) -> list[str]:
    return [warning.message for warning in product(row, *variations).warnings]


def a_size(size: str, **more: str) -> Row:
    cells = {"Attribute 1 name": "Size", "Attribute 1 value(s)": size, "Regular price": "5"}
    return cells | {name.replace("_", " "): cell for name, cell in more.items()}


def test_files_of_real_shops_go_in_and_change_nothing_the_second_time() -> None:
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


def test_a_simple_product() -> None:
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
        1, None, warnings=(FieldError("Colour of hen", "Unknown column: not read"),)
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
        "'local.jpg' is not an absolute address: left out"
    ]


@pytest.mark.parametrize(
    ("cell", "paths"),
    [
        ("", []),
        (" , > ,", []),
        ("Food>Bars , Food", [["Food", "Bars"], ["Food"]]),
        ("Food\\, good > [New] &amp; <b>, Food", [["Food, good", "New & b"], ["Food"]]),
        ("x" * 99 + " yz", [["x" * 99]]),
    ],
)
def test_categories_are_paths_of_names(cell: str, paths: list[list[str]]) -> None:
    row = {"Type": "simple", "Name": "Egg", "Regular price": "1", "Categories": cell}
    (entry,) = read(csv_text(row))
    assert (entry.values or {})["categories"] == paths


def test_what_has_no_column_is_left_out() -> None:
    assert read("Name,Type,Regular price\nEgg,simple,2\n") == [
        ImportEntry(2, {"name": "Egg", "price": "2"})
    ]
    assert read("Name,Stock\nEgg,3\n")[0].values == {
        "name": "Egg",
        "stock_quantity": 3,
        "track_stock": True,
    }


def test_a_header_needs_names() -> None:
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
    found = values({"Regular price": regular, "Sale price": sale})
    assert (found["price"], found["compare_at_price"]) == (price, compare_at)


def test_a_sale_that_is_none_and_one_with_a_date_are_warned_of() -> None:
    assert warnings({"Sale price": "2.00"}) == [
        "Sale price 2.00 is not below the price 2.00: left out"
    ]
    assert warnings({"Sale price": "1", "Date sale price ends": "2026-01-01"}) == [
        "The sale is dated: 1 is taken as the price"
    ]


@pytest.mark.parametrize("text", ["1,234", "1.234,50", "€5"])
def test_prices_that_could_mean_two_things_are_refused(text: str) -> None:
    (fault,) = product({"Regular price": text}).errors
    assert fault.field == "price"


@pytest.mark.parametrize(
    ("stock", "there", "backorders", "quantity", "tracked"),
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
    there: str,
    backorders: str,
    quantity: int,
    tracked: bool,  # noqa: FBT001 - a case
) -> None:
    found = values({"Stock": stock, "In stock?": there, "Backorders allowed?": backorders})
    assert (found["stock_quantity"], found["track_stock"]) == (quantity, tracked)


@pytest.mark.parametrize(
    ("text", "active"), [("1", True), ("0", False), ("-1", False), ("2", False), ("", None)]
)
def test_whether_it_is_active(text: str, active: bool | None) -> None:  # noqa: FBT001 - a case
    assert values({"Published": text}).get("is_active") is active


def test_a_strange_state_is_warned_of() -> None:
    assert warnings({"Published": "maybe"}) == [
        "Published is 'maybe', which says nothing here: passed over"
    ]


@pytest.mark.parametrize(
    ("row", "warning"),
    [
        ({"Type": "grouped"}, "Skipped: a grouped product"),
        ({"Type": "external"}, "Skipped: an external product"),
        ({"Regular price": ""}, "Skipped: no price"),
        ({"Type": "variable", "Regular price": ""}, "Skipped: no price"),
    ],
)
def test_what_cannot_be_sold_here_is_skipped(row: Row, warning: str) -> None:
    entry = product(row)
    assert (entry.values, entry.errors) == (None, ())
    assert [one.message for one in entry.warnings] == [warning]


def test_a_type_that_nobody_knows_is_taken_as_simple() -> None:
    assert values({"Type": "bundle"})["price"] == "2.00"
    assert warnings({"Type": "bundle"}) == ["Type 'bundle' is taken as a simple product"]


def test_variations_become_the_variants_of_their_parent_wherever_they_stand() -> None:
    parent = {"ID": "9", "Type": "variable", "SKU": "Egg-S", "Name": "Egg", "Published": "1"}
    rows = (
        {"Type": "variation", "Parent": "egg-s", "SKU": "m", "Published": "0", **a_size("M")},
        {"Type": "simple", "ID": "1", "Name": "Ham", "Regular price": "1"},
        parent | {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S, M"},
        {"Type": "variation", "Parent": "id:9", "Images": "//x.y/l.jpg", **a_size("L")},
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


def test_variations_stand_in_the_order_of_their_positions() -> None:
    found = values({}, a_size("S", Position="2"), a_size("M", Position="1"), a_size("L"))
    assert [one["options"]["Size"] for one in found["variants"]] == ["M", "S", "L"]


def test_a_blank_option_means_any() -> None:
    colour = {"Attribute 2 name": "Colour", "Attribute 2 value(s)": "Red"}
    found = values({}, a_size("S") | colour, a_size("M") | {"Attribute 2 name": "Colour"})
    assert [one["options"] for one in found["variants"]] == [
        {"Size": "S", "Colour": "Red"},
        {"Size": "M"},
    ]


def test_a_single_variation_without_options_is_the_product_itself() -> None:
    found = values({"Regular price": ""}, {"Regular price": "3"})
    assert found["price"] == "3"
    assert "variants" not in found


def test_variations_without_a_price_are_left_out_with_a_warning() -> None:
    rows = a_size("S"), a_size("M") | {"Regular price": ""}
    assert len(values({}, *rows)["variants"]) == 1
    assert warnings({}, *rows) == ["Line 4: A variation without a price: left out"]
    entry = product({}, rows[1])
    assert (entry.values, entry.errors) == (None, ())
    assert entry.warnings[-1].message == "Skipped: no price"


def test_variations_of_the_same_options_are_refused_and_both_lines_named() -> None:
    (fault,) = product({}, a_size("S"), a_size("M"), a_size("S")).errors
    assert fault.message == "Lines 3 and 5 are one and the same variant: Size S"


def test_variations_that_share_the_stock_of_their_parent_are_each_given_it() -> None:
    parent = {"Stock": "4", "Backorders allowed?": "0"}
    rows = a_size("S", Stock="parent"), a_size("M"), a_size("L", Stock="1")
    found = values(parent, *rows)["variants"]
    assert [(one["stock_quantity"], one["track_stock"]) for one in found] == [
        (4, True),
        (4, True),
        (1, True),
    ]
    assert warnings(parent, *rows) == ["2 variations share one stock: each is given it all"]
    alone = values({}, a_size("S", Stock="parent"))["variants"]
    assert (alone[0]["stock_quantity"], alone[0]["track_stock"]) == (0, False)


def test_what_variants_have_no_place_for_is_warned_of_once() -> None:
    rows = [a_size(size) | {"Weight (kg)": "1", "Description": "x"} for size in "SM"]
    assert warnings({}, *rows) == ["The descriptions and sizes of its variations: left out"]


def test_variations_without_a_parent_are_refused() -> None:
    rows = ({"Type": "variation", **a_size("S")}, {"Type": "variation", "Parent": "x"} | SIMPLE)
    rows = (rows[0], {**rows[1], "Type": "variation"})
    entries = read(csv_text(*rows))
    assert [(entry.line, entry.errors[0].message) for entry in entries] == [
        (2, "The variation names no parent"),
        (3, "The parent 'x' is not in the file"),
    ]


def test_two_products_of_one_id_are_refused() -> None:
    (entry,) = read(csv_text({"ID": "1", **SIMPLE}, {"ID": "1", **SIMPLE}))
    assert entry.errors == (FieldError("id", "Lines 2 and 3 are one and the same product"),)


def test_texts_that_spreadsheets_would_compute_are_unescaped() -> None:
    assert values({"SKU": "'-1"})["sku"] == "-1"
    assert values({"SKU": "'+1'"})["sku"] == "+1"
    assert values({"Description": "'- it's'"})["details"] == "- it's'"


def test_two_backslashes_before_an_n_are_no_line_break() -> None:
    assert values({"Description": "a\\\\nb\\nc"})["details"] == "<p>a\\nb<br>c</p>"
    assert values({"Description": "<p>a</p>\\n<p>b</p>"})["details"] == "<p>a</p>\n<p>b</p>"


def test_the_description_is_made_of_the_details_where_there_is_no_short_one() -> None:
    assert values({"Description": "<p>Good</p>"})["description"] == "Good"


@given(st.binary())
def test_no_bytes_are_too_much_for_it(data: bytes) -> None:
    header = b"ID,Type,Name,Regular price,Sale price,Parent,Stock,Images,Description\n"
    entries = {
        one.line: one.values
        for one in read_products(io.BytesIO(header + b"70707,simple,Egg,2\n" + data))
    }
    assert min(entries) == 2
    assert (entries[2] or {})["name"] == "Egg"


CELLS = ("Type", "ID", "SKU", "Parent", "Name", "Regular price", "Attribute 1 value(s)")
WORDS = st.sampled_from(["", "1", "2", "variation", "variable", "simple", "id:1", "egg"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(CELLS, WORDS)), min_size=1))
def test_any_rows_are_read_and_the_same_twice(rows: list[Row]) -> None:
    text = csv_text(*({**row, "Attribute 1 name": "Size"} for row in rows))
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON)
    first = catalog.import_products(read(text), keep_going=True)
    again = catalog.import_products(read(text), keep_going=True)
    assert (again.created, again.changed, again.unchanged) == (0, 0, first.created)
    assert again.refused == first.refused


class Generated(io.BytesIO):
    """A file of many rows that is never held as a whole; variations stand far from parents."""

    def __init__(self, rows: int) -> None:
        self._rows = self._all(rows)

    def read(self, _size: int | None = -1, /) -> bytes:
        return next(self._rows, b"")

    @staticmethod
    def _all(rows: int) -> Iterator[bytes]:
        yield b"ID,Type,SKU,Name,Description,Regular price,Parent,Attribute 1 name,"
        yield b"Attribute 1 value(s)\n"
        body = "x" * 1000
        for number in range(rows):
            yield f"{number},variable,s-{number},Egg {number % 1000},{body},,,,\n".encode()
        for number in range(rows):
            yield f",variation,v-{number},,,1,s-{number},Size,S\n".encode()


def test_memory_does_not_grow_with_the_file() -> None:
    tracemalloc.start()
    try:
        slugs = sum(1 for entry in read_products(Generated(3_000)) if entry.values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert slugs == 3_000
    assert peak < 1_000_000  # a third of the file
