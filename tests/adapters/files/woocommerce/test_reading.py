import io
import tracemalloc
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.woocommerce.prices import parse_date
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import ParseError
from tests.support.product_files import GeneratedFile, Row, csv_text
from tests.support.woocommerce_files import (
    SIMPLE,
    file_warnings,
    product,
    read,
    size_variation,
    values,
    warnings,
)

SHARED = Path(__file__).parents[4].parent / "shared" / "data" / "woocommerce"


def test_files_of_real_shops_are_read_whole() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"the sample files are not beside this repository ({SHARED})")
    for file in SHARED.glob("*.csv"):
        with file.open("rb") as stream:
            entries = list(read_products(stream).entries)
        products = {entry.values["name"]: entry.values for entry in entries if entry.values}
        assert not [entry.errors for entry in entries if entry.errors]
        assert len(products) == 16
        sizes: Any = products["Hoodie"]["variants"]
        assert len(sizes) == 4
        prices = [(variant["price"], variant["compare_at_price"]) for variant in sizes]
        assert ("42", "45") in prices


def test_simple_product() -> None:
    row = {
        "ID": "44",
        "Type": "simple, virtual",
        "SKU": "E-1",
        "GTIN, UPC, EAN, or ISBN": "123",
        "Name": "Tom &amp; Jerry's",
        "Published": "1",
        "Is featured?": "0",
        "Visibility in catalog": "catalog",
        "Short description": "A <b>good</b> egg\\nfor all",
        "Description": "First\\n\\nsecond\\nline",
        "In stock?": "1",
        "Stock": "7",
        "Backorders allowed?": "0",
        "Weight (kg)": "0.5",
        "Length (cm)": "24",
        "Width (cm)": "",
        "Sale price": "1,50",
        "Regular price": "2,00",
        "Categories": "Food > Eggs, Fresh",
        "Tags": "a, b &amp; c",
        "Brands": "Farm > Hen\\, brown",
        "Images": "https://x.y/1.jpg, http://x.y/2.jpg, local.jpg",
        "Attribute 1 name": "Colour",
        "Attribute 1 value(s)": "Red, Blue\\, dark",
        "Attribute 2 name": "Taste",
        "Attribute 2 value(s)": "",
        "Attribute 1 visible": "1",
        "Attribute 1 global": "1",
        "Meta: _private": "x",
        "Meta: origin": "Farm",
        "Meta: blank": "",
        "Meta: _yoast_wpseo_title": "Eggs",
        "Download 1 name": "",
        "Colour of hen": "white",
    }
    entry, unused = list(read_products(io.BytesIO(csv_text(row).encode("utf-8-sig"))).entries)
    assert entry == ImportEntry(
        2,
        {
            "name": "Tom & Jerry's",
            "details": "<p>First</p><p>second<br>line</p>",
            "description": "A good egg\nfor all",
            "seo_title": "Eggs",
            "sku": "E-1",
            "gtin": "123",
            "weight_grams": "500",
            "price": "1.50",
            "compare_at_price": "2.00",
            "stock_quantity": 7,
            "track_stock": True,
            "is_active": True,
            "is_listed": True,
            "categories": [["Food", "Eggs"], ["Fresh"]],
            "tags": ["a", "b & c"],
            "brand": "Hen, brown",
            "images": [
                {"ref": "https://x.y/1.jpg"},
                {"ref": "https://x.y/2.jpg"},
                {"ref": "local.jpg"},
            ],
            "attribute_edits": {
                "origin": "Farm",
                "blank": None,
                "Length": "24 cm",
                "Width": None,
                "Colour": "Red, Blue, dark",
                "Taste": None,
            },
        },
        source_id="44",
        has_no_variants=True,
    )
    assert [warning.message for warning in unused.warnings] == [
        "Column 'Meta: _private' has values in 1 row (such as 'x'): ignored",
        "Column 'Colour of hen' has values in 1 row (such as 'white'): ignored",
    ]


@pytest.mark.parametrize(
    ("cell", "paths"),
    [
        ("", []),
        (" , > ,", []),
        ("Food>Bars , Food", [["Food", "Bars"], ["Food"]]),
        ("Food\\, good > [New] &amp; more, Food", [["Food, good", "[New] & more"], ["Food"]]),
        ("Food &gt; Bars", [["Food", "Bars"]]),
        ("Food > 18&gt;", [["Food", "18>"]]),
    ],
)
def test_categories_are_paths_of_names(cell: str, paths: list[list[str]]) -> None:
    assert values({"Categories": cell})["categories"] == paths


def test_fields_without_a_column_are_omitted() -> None:
    assert read("Name,Type,Regular price\nEgg,simple,2\n") == [
        ImportEntry(2, {"name": "Egg", "price": "2"}, has_no_variants=True)
    ]
    assert read("Name,Stock\nEgg,3\n") == [
        ImportEntry(2, {"name": "Egg", "stock_quantity": 3, "track_stock": True})
    ]
    size = {"Type": "variation", "Parent": "id:7"}
    attribute = {"Attribute 1 name": "Size", "Attribute 1 value(s)": "S"}
    parent = {"ID": "7", "Type": "variable", "Name": "Egg"}
    (entry,) = read(csv_text(parent, size | attribute, size | attribute | {"Name": "x"}))
    assert entry.values == {
        "name": "Egg",
        "variants": [{"options": {"Size": "S"}}, {"options": {"Size": "S"}}],
    }


def test_slug_column_identifies_products_instead_of_the_id() -> None:
    entry = product({"Slug": "Egg_1"})
    assert entry.values is not None
    assert (entry.values["slug"], entry.source_id) == ("Egg_1", None)


def test_rows_without_a_type_are_products_or_variations_by_their_parent() -> None:
    text = "SKU,Name,Parent,Regular price,Attribute 1 name,Attribute 1 value(s)\n"
    entry, ham = read(f"{text}E,Egg,,,,\nE-S,,E,1,Size,S\nH,Ham,0,2,,\n")
    assert (ham.values or {})["name"] == "Ham"
    assert entry.values is not None
    assert entry.values["variants"] == [{"options": {"Size": "S"}, "sku": "E-S", "price": "1"}]
    assert not entry.has_no_variants


@pytest.mark.parametrize("header", ["SKU,Stock", "ID,Stock", "Colour"])
def test_header_requires_a_name_or_both_id_and_sku(header: str) -> None:
    with pytest.raises(ParseError, match="found"):
        read_products(io.BytesIO(f"{header}\n1,2\n".encode()), file_format="woocommerce")
    assert read("ID,SKU,Stock\n1,E,2\n")[0].values == {
        "sku": "E",
        "stock_quantity": 2,
        "track_stock": True,
    }


@pytest.mark.parametrize(
    ("regular", "sale", "price", "compare_at"),
    [
        ("5", "", "5", None),
        ("5", "4", "4", "5"),
        ("5", "5", "5", None),
        ("5", "6", "5", None),
        ("5", "0", "5", None),
        ("", "4", "4", None),
        ("19,9", "9,99", "9.99", "19.9"),
        ("12.3456", "", "12.3456", None),
        ("0", "", "0", None),
    ],
)
def test_prices(regular: str, sale: str, price: str, compare_at: str | None) -> None:
    product_values = values({"Regular price": regular, "Sale price": sale})
    assert (product_values["price"], product_values["compare_at_price"]) == (price, compare_at)


@pytest.mark.parametrize(
    ("regular", "sale", "price"), [("", "", "7.50"), ("9", "", "9"), ("9", "8", "8")]
)
def test_current_price_of_the_rest_api_counts_without_others(
    regular: str, sale: str, price: str
) -> None:
    row = {"Regular price": regular, "Sale price": sale, "price": "7.50"}
    assert values(row)["price"] == price
    assert file_warnings(SIMPLE | row) == []


def test_sale_price_that_is_not_lower_is_ignored_with_a_warning() -> None:
    assert warnings({"Sale price": "2.00"}) == [
        "Sale price 2.00 is not below the price 2.00: ignored"
    ]


def test_sale_price_in_a_file_without_regular_prices_is_ignored_with_a_warning() -> None:
    (entry,) = read("ID,SKU,Name,Sale price\n1,E,Egg,5\n")
    assert entry.values == {"name": "Egg", "sku": "E"}
    assert [warning.message for warning in entry.warnings] == [
        "Sale price '5' without a regular price: ignored"
    ]


@pytest.mark.parametrize(
    ("starts", "ends", "price"),
    [
        ("", "", "4"),
        ("2026-06-15", "2026-06-15", "4"),
        ("2026-06-16", "", "5"),
        ("", "2026-06-14", "5"),
        ("2021-11-20 00:00:00", "2021-11-27 23:59:59", "5"),
        ("1.6.2026", "30.06.2026 00:00", "4"),
        ("", "14/06/2026", "5"),
        ("", "06/14/2026", "5"),
        ("soon", "", "4"),
    ],
)
def test_sale_counts_only_within_its_dates(starts: str, ends: str, price: str) -> None:
    sale = {"Regular price": "5", "Sale price": "4"}
    dates = {"Date sale price starts": starts, "Date sale price ends": ends}
    product_values = values(sale | dates)
    compare_at = "5" if price == "4" else None
    assert (product_values["price"], product_values["compare_at_price"]) == (price, compare_at)


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (
            ("2026-07-01", ""),
            "The sale at 1 starts on 2026-07-01: imported with the regular price 2.00",
        ),
        (
            ("", "2021-11-27"),
            "The sale at 1 ended on 2021-11-27: imported with the regular price 2.00",
        ),
        (
            ("", "2026-07-01"),
            "The sale at 1 ends on 2026-07-01: import the file again after that day",
        ),
        (("soon", ""), "Unknown date 'soon' of the sale: ignored"),
    ],
)
def test_dates_of_a_sale_are_reported(dates: tuple[str, str], message: str) -> None:
    starts, ends = dates
    row = {"Date sale price starts": starts, "Date sale price ends": ends, "Sale price": "1"}
    assert warnings(row) == [message]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-11-20T10:00:00+00:00", date(2021, 11, 20)),
        ("2021/1/2", date(2021, 1, 2)),
        ("20. 11. 2021", date(2021, 11, 20)),
        ("1637366400", date(2021, 11, 20)),
        ("31.02.2021", None),
        ("20 November", None),
        ("", None),
    ],
)
def test_dates_are_year_first_or_day_first(text: str, day: date | None) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize("text", ["1 or 2", "a lot", "5/6"])
def test_price_that_is_no_number_is_an_error_that_shows_it(text: str) -> None:
    (error,) = product({"Regular price": text}).errors
    assert error.field == "price"


NO_QUANTITY = {"track_stock": False}
SOLD_OUT = {"stock_quantity": 0, "track_stock": True}


@pytest.mark.parametrize(
    ("cells", "stock"),
    [
        ({"Stock": "", "In stock?": "1", "Backorders allowed?": "0"}, NO_QUANTITY),
        ({"Stock": "", "In stock?": "0", "Backorders allowed?": "0"}, SOLD_OUT),
        ({"Stock": "", "In stock?": "backorder", "Backorders allowed?": "0"}, NO_QUANTITY),
        ({"Stock": "", "In stock?": "0", "Backorders allowed?": "1"}, SOLD_OUT),
        ({"Stock": "5", "In stock?": "1"}, {"stock_quantity": 5, "track_stock": True}),
        (
            {"Stock": "5", "Backorders allowed?": "1"},
            {"stock_quantity": 5, "track_stock": False},
        ),
        (
            {"Stock": "5", "Backorders allowed?": "notify"},
            {"stock_quantity": 5, "track_stock": False},
        ),
        ({"Stock": "'-3"}, {"stock_quantity": -3, "track_stock": True}),
        ({"Stock": "0", "In stock?": "0"}, SOLD_OUT),
        ({"Stock": "2.5"}, {"stock_quantity": "2.5", "track_stock": True}),
        ({"In stock?": "0"}, SOLD_OUT),
        ({"In stock?": "1"}, {}),
        ({"Backorders allowed?": "1"}, {}),
        ({}, {}),
    ],
)
def test_stock(cells: Row, stock: dict[str, object]) -> None:
    product_values = values(cells)
    assert {name: product_values[name] for name in SOLD_OUT if name in product_values} == stock


@pytest.mark.parametrize(
    ("text", "active"), [("1", True), ("0", False), ("-1", False), ("2", False), ("", None)]
)
def test_is_active(text: str, active: bool | None) -> None:  # noqa: FBT001 - a case
    assert values({"Published": text}).get("is_active") is active


@pytest.mark.parametrize(
    ("text", "listed"),
    [("visible", True), ("catalog", True), ("search", False), ("hidden", False), ("", None)],
)
def test_is_listed(text: str, listed: bool | None) -> None:  # noqa: FBT001 - a case
    assert values({"Visibility in catalog": text}).get("is_listed") is listed


def test_unknown_words_are_ignored_with_a_warning() -> None:
    (warning,) = product({"Published": "maybe"}).warnings
    assert warning == ImportMessage(
        2, "is_active", "Unknown state 'maybe': ignored", "Published", "maybe"
    )
    assert warnings({"Visibility in catalog": "x"}) == ["Unknown visibility 'x': ignored"]
    assert warnings({"Visibility in catalog": "hidden"}) == [
        "Visibility 'hidden': imported as unlisted"
    ]


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
    assert warnings({"Type": "bundle"}) == ["Unknown type 'bundle': imported as a simple product"]
    assert not product({"Type": "bundle"}).has_no_variants


@pytest.mark.parametrize(
    ("unit", "cell", "grams"),
    [
        ("kg", "0,5", "500"),
        ("g", "12.5", "12.5"),
        ("lbs", "1", "453.59237"),
        ("oz", "2", "56.69904625"),
        ("kg", "1E2", "100000"),
        ("kg", "about 1", "about 1"),
        ("kg", "", None),
    ],
)
def test_weights_are_converted_to_grams(unit: str, cell: str, grams: str | None) -> None:
    assert values({f"Weight ({unit})": cell})["weight_grams"] == grams


def test_weights_of_an_unknown_unit_are_reported() -> None:
    assert file_warnings(SIMPLE | {"Weight (stone)": "2"}) == [
        "Column 'Weight (stone)' has values in 1 row (such as '2'): ignored"
    ]


@pytest.mark.parametrize(
    ("prefix", "title", "description"),
    [
        ("_yoast_wpseo_", "title", "metadesc"),
        ("rank_math_", "title", "description"),
        ("_aioseo_", "title", "description"),
        ("_seopress_titles_", "title", "desc"),
    ],
)
def test_search_engine_texts_of_plugins(prefix: str, title: str, description: str) -> None:
    row = {f"Meta: {prefix}{title}": "Buy &amp; eat", f"Meta: {prefix}{description}": ""}
    product_values = values(row)
    assert (product_values["seo_title"], product_values["seo_description"]) == ("Buy & eat", None)
    assert "attribute_edits" not in product_values


def test_templates_of_search_engine_plugins_are_columns_that_are_not_used() -> None:
    row = {"Meta: _yoast_wpseo_title": "%%title%%", "Meta: rank_math_title": "50% off"}
    assert values(row)["seo_title"] == "50% off"
    assert file_warnings(SIMPLE | row) == [
        "Column 'Meta: _yoast_wpseo_title' has values in 1 row (such as '%%title%%'): ignored"
    ]
    assert "seo_title" not in values({"Meta: rank_math_title": "%title% %sitename%"})


def test_barcodes_of_plugins_count_where_woocommerce_has_none() -> None:
    row = {"Meta: _wpm_gtin_code": "2", "GTIN, UPC, EAN, or ISBN": ""}
    assert values(row)["gtin"] == "2"
    assert values(row | {"GTIN, UPC, EAN, or ISBN": "1"})["gtin"] == "1"


def test_only_the_first_brand_is_imported() -> None:
    assert values({"Brands": ""})["brand"] is None
    assert values({"Brands": "A, B"})["brand"] == "A"
    assert warnings({"Brands": "A, B"}) == ["2 brands: only the first, 'A', is imported"]


def test_columns_that_are_not_imported_are_reported_once() -> None:
    rows = [
        SIMPLE | {"Upsells": "E-2", "Tax status": "taxable", "Tax class": "", "Cost of goods": "3"},
        SIMPLE | {"Upsells": "E-3", "Name": "Ham", "Tax status": "none", "Is featured?": "0"},
    ]
    assert file_warnings(*rows) == [
        "Column 'Upsells' has values in 2 rows (such as 'E-2'): ignored",
        "Column 'Cost of goods' has values in 1 row (such as '3'): ignored",
        "Column 'Tax status' has values in 1 row (such as 'none'): ignored",
    ]


def test_products_with_the_same_id_are_an_error() -> None:
    entry, other = read(
        csv_text({"ID": "1", **SIMPLE}, {"ID": "1", **SIMPLE, "Name": "Ham"}, SIMPLE)
    )
    assert entry.errors == (
        ImportMessage(
            3,
            "id",
            "Lines 2 and 3 are different products with the ID 1: keep one of them",
            "ID",
            "1",
        ),
    )
    assert other.values is not None


def test_identical_rows_are_read_once() -> None:
    (entry,) = read(csv_text({"ID": "1", **SIMPLE}, {"ID": "1", **SIMPLE}))
    assert entry.values is not None
    assert [warning.message for warning in entry.warnings] == ["Line 3 repeats line 2: ignored"]


def test_products_with_the_same_sku_stay_apart_and_the_first_has_the_variations() -> None:
    ham = {"ID": "2", "Type": "simple", "Name": "Ham", "SKU": "e", "Regular price": "1"}
    egg = {"ID": "1", "Type": "variable", "Name": "Egg", "SKU": "E"}
    size = {"Type": "variation", "Parent": "E", **size_variation("S")}
    first, second = read(csv_text(size, egg, ham))
    assert first.values is not None
    assert second.values is not None
    assert (first.values["name"], first.source_id, len(first.variant_lines)) == ("Egg", "1", 1)
    assert (second.values["sku"], "variants" in second.values) == ("e", False)
    without_ids = [{**row, "ID": ""} for row in (size, egg, ham)]
    first, second = read(csv_text(*without_ids))
    assert (first.variant_lines, second.variant_lines) == ((2,), ())


def test_whole_numbers_of_other_programs_lose_their_fraction() -> None:
    row = {"ID": "7.0", "Published": "1.0", "Backorders allowed?": "0.0", "Stock": "3.0"}
    row |= {"GTIN, UPC, EAN, or ISBN": "40170725.0", "Is featured?": "0.0", "SKU": "1.0"}
    entry = product(row)
    assert entry.source_id == "7"
    assert entry.values == {
        "name": "Egg",
        "sku": "1.0",
        "gtin": "40170725",
        "price": "2.00",
        "stock_quantity": 3,
        "track_stock": True,
        "is_active": True,
    }
    assert file_warnings(SIMPLE | row) == []


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
    file = read_products(io.BytesIO(header + b"70707,simple,Egg,2\n" + data))
    names = [entry.values["name"] for entry in file.entries if entry.values and entry.line == 2]
    assert names == ["Egg"]


CELLS = ("Type", "ID", "SKU", "Parent", "Name", "Regular price", "Attribute 1 value(s)")
WORDS = st.sampled_from(["", "1", "2", "variation", "variable", "simple", "id:1", "egg"])


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(CELLS, WORDS)), min_size=1, max_size=6))
def test_every_product_is_read_or_named(rows: list[Row]) -> None:
    entries = read(csv_text(*({**row, "Attribute 1 name": "Size"} for row in rows)))
    lines = {entry.line for entry in entries}
    for entry in entries:
        messages = [*entry.errors, *entry.warnings]
        lines |= {message.line for message in messages}
        assert entry.values is not None or messages
    assert lines >= {
        line
        for line, row in enumerate(rows, 2)
        if row["Type"] in {"simple", "variable"} and not row["ID"]
    }


def generate_rows(products: int) -> Iterator[bytes]:
    """Yield the rows of products, then those of their variations."""
    yield b"ID,Type,SKU,Name,Description,Regular price,Parent,Attribute 1 name,"
    yield b"Attribute 1 value(s),Upsells\n"
    body = "x" * 1000
    for number in range(products):
        yield f"{number},variable,s-{number},Egg {number % 1000},{body},,,,,1\n".encode()
    for number in range(products):
        yield f",variation,v-{number},,,1,s-{number},Size,S,\n".encode()


def test_memory_does_not_grow_with_the_file_size() -> None:
    tracemalloc.start()
    try:
        entries = read_products(GeneratedFile(generate_rows(3_000))).entries
        count = sum(1 for entry in entries if entry.values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 3_000
    assert peak < 1_000_000  # a third of the file
