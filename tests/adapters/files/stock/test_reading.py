"""Stock quantities of Shopify's inventory file and of other tables."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.stock.reading import read_stock
from eggypro_core.domain.product_files import ImportEntry, ImportMessage, StockEntry
from eggypro_core.errors import ParseError
from tests.support.workbooks import workbook

OPTIONS = "Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value"
NEW_HEADER = (
    f"Handle,Title,{OPTIONS},SKU,HS Code,COO,Location,Bin name,Incoming (not editable),"
    "Unavailable (not editable),Committed (not editable),Available (not editable),"
    "On hand (current),On hand (new)"
)
NEW_FILE = f"""{NEW_HEADER}
mug,Mug,Title,Default Title,,,,,'0012,,DE,Berlin,,0,0,1,3,4,
mug,Mug,Title,Default Title,,,,,'0012,,DE,Paris,,0,0,0,2,2,
shirt,Shirt,Size,S,Colour,Red,,,SH-S,,,Berlin,,0,0,0,7,7,
shirt,Shirt,Size,M,,,,,,,,Berlin,,0,0,9,-4,5,
shirt,Shirt,Size,L,,,,,SH-L,,,Berlin,,not stocked,not stocked,not stocked,not stocked,not stocked,
shirt,Shirt,Size,S,Colour,Red,,,SH-S,,,Paris,,0,0,0,,0,
"""
NEGATIVE = ImportMessage(5, "stock_quantity", "Negative stock (-4): imported as 0", value="-4")


def read(text: str) -> list[StockEntry]:
    return list(read_stock(io.BytesIO(text.encode())).entries)


def quantities(text: str) -> dict[str, int | None]:
    return {entry.sku: entry.quantity for entry in read(text)}


def test_available_stock_is_summed_over_locations() -> None:
    assert read(NEW_FILE) == [
        StockEntry(2, "0012", 5, "mug"),
        StockEntry(4, "SH-S", 7, "shirt", {"Size": "S", "Colour": "Red"}),
        StockEntry(5, "", 0, "shirt", {"Size": "M"}, warnings=(NEGATIVE,)),
    ]


def test_older_inventory_file_has_a_column_for_each_location() -> None:
    text = f"Handle,Title,{OPTIONS},SKU,HS Code,COO,Larkin St,Printful\n"
    text += "mug,Mug,Title,Default Title,,,,,M-1,,,2,not stocked\n"
    text += "cap,Cap,Title,Default Title,,,,,C-1,,,not stocked,\n"
    text += "hat,Hat,Title,Default Title,,,,,H-1,,,1,3\n"
    assert quantities(text) == {"M-1": 2, "H-1": 4}


def test_inventory_file_as_product_changes() -> None:
    file = read_products(io.BytesIO(NEW_FILE.encode()), file_format="shopify-inventory")
    assert file.format == "shopify-inventory"
    assert file.columns["stock_quantity"] == "Available (not editable)"
    assert list(file.entries) == [
        ImportEntry(
            2,
            {"slug": "mug", "name": "Mug", "sku": "0012", "stock_quantity": 5, "track_stock": True},
        ),
        ImportEntry(
            4,
            {
                "slug": "shirt",
                "name": "Shirt",
                "variants": [
                    {
                        "options": {"Size": "S", "Colour": "Red"},
                        "sku": "SH-S",
                        "stock_quantity": 7,
                        "track_stock": True,
                    },
                    {"options": {"Size": "M"}, "stock_quantity": 0, "track_stock": True},
                    {"options": {"Size": "L"}, "sku": "SH-L"},
                ],
            },
            warnings=(NEGATIVE,),
            variant_lines=(4, 5, 6),
        ),
    ]


def test_products_import_names_the_command_for_an_inventory_file() -> None:
    with pytest.raises(ParseError, match="eggypro stock import FILE"):
        read_products(io.BytesIO(NEW_FILE.encode()))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("SKU,Quantity", "A,5"),
        ("Artikel-Nr.;Lagerbestand", "A;5"),
        ("Qty,Name,Item Code", "5,Mug,A"),
        ("On hand,Available,SKU", "7,5,A"),
        ("Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price", "mug,Mug,A,5,9.00"),
        ("sku,stock_quantity", "A,5.0"),
    ],
)
def test_any_table_with_a_sku_and_a_quantity(header: str, row: str) -> None:
    assert read(f"{header}\n{row}\n") == [StockEntry(2, "A", 5)]


def test_packed_file_is_read() -> None:
    data = gzip.compress(b"SKU,Qty\nA,5\n")
    assert list(read_stock(io.BytesIO(data)).entries) == [StockEntry(2, "A", 5)]


def test_lines_before_the_header_are_skipped() -> None:
    assert read("Stock of today\n\nSKU;Bestand\nA;5\n") == [StockEntry(4, "A", 5)]


def test_rows_without_a_quantity_are_omitted() -> None:
    assert quantities("SKU,Qty\nA,\nB,not stocked\nC,0\n") == {"C": 0}


def test_rows_of_a_sku_are_summed_over_locations() -> None:
    assert quantities("SKU,Qty,Warehouse\nA,1,x\nB,5,x\nA,2,y\n") == {"A": 3, "B": 5}


def test_repeated_row_is_skipped_with_a_warning() -> None:
    (entry,) = read("SKU,Qty\nA,1\nA,1\n")
    assert (entry.quantity, entry.warnings) == (
        1,
        (ImportMessage(3, "sku", "Skipped: the row repeats line 2", value="A"),),
    )


def test_different_quantities_of_a_sku_are_an_error() -> None:
    (entry,) = read("SKU,Qty\nA,1\nA,2\n")
    assert entry.quantity is None
    assert entry.errors == (
        ImportMessage(
            3, "sku", "Lines 2 and 3 have different quantities of 'A': keep one of them", value="A"
        ),
    )


def test_quantity_without_a_sku_is_skipped_with_a_warning() -> None:
    (entry,) = read("SKU,Qty\n,4\n,\n")
    assert [warning.message for warning in entry.warnings] == ["Skipped: the quantity 4 has no SKU"]


def test_quantity_that_is_not_a_number_is_an_error() -> None:
    (entry,) = read("SKU,Qty\nA,many\n")
    assert entry.quantity is None
    assert entry.errors == (
        ImportMessage(
            2,
            "stock_quantity",
            "Quantity 'many' is not a number: write it like 12",
            value="many",
        ),
    )


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("SKU,Qty\nA,12.0\n", 12),
        ('SKU,Qty\nA,"1,200"\n', 1200),
        ("SKU;Qty\nA;12,00\n", 12),
        ("SKU;Qty\nA;1.200\n", 1200),
        ("SKU\tQty\nA\t1 200\n", 1200),
        ("SKU;Lager;Bestand\nA;Kiel;1,5\nA;Bonn;1,5\n", 3),
    ],
)
def test_quantity_may_have_decimals_and_thousands_separators(text: str, quantity: int) -> None:
    (entry,) = read(text)
    assert (entry.quantity, entry.errors, entry.warnings) == (quantity, (), ())


def test_quantity_that_is_not_whole_is_rounded_down_with_a_warning() -> None:
    (entry,) = read("SKU,Qty\nA,5.5\n")
    message = "Stock 5.5 is not whole: imported as 5"
    assert (entry.quantity, entry.warnings) == (
        5,
        (ImportMessage(2, "stock_quantity", message, value="5.5"),),
    )


def test_quantities_of_a_workbook() -> None:
    content = workbook([["Stock on 1 May"], ["SKU", "Qty"], ["A-1", "<c><v>12</v></c>"]])
    assert [(entry.sku, entry.quantity) for entry in read_stock(io.BytesIO(content)).entries] == [
        ("A-1", 12)
    ]


def test_too_high_quantity_is_limited() -> None:
    (entry,) = read("SKU,Qty\nA,3000000000\n")
    assert entry.quantity == 2147483647
    assert "imported as 2147483647" in entry.warnings[0].message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty"),
        ("Name,Price\nEgg,1\n", "found 'Name', 'Price'; name them SKU and Quantity"),
        ("SKU,Price\nA,1\n", "found 'SKU', 'Price'"),
    ],
)
def test_table_without_the_columns_is_refused(text: str, message: str) -> None:
    with pytest.raises(ParseError, match=message):
        read(text)


@given(st.lists(st.tuples(st.text("abAB'1", min_size=1), st.integers(0, 9)), min_size=1))
def test_sums_are_those_of_the_rows(rows: list[tuple[str, int]]) -> None:
    text = "SKU,Qty,Location\n"
    text += "".join(
        f"'{sku},{qty},{number}\n" if sku[0] == "1" else f"{sku},{qty},{number}\n"
        for number, (sku, qty) in enumerate(rows)
    )
    totals: dict[str, int] = {}
    for sku, quantity in rows:
        name = sku[1:] if sku.lstrip("'")[:1] == "1" and sku[0] == "'" else sku
        totals[name] = totals.get(name, 0) + quantity
    assert quantities(text) == totals


@given(st.binary())
def test_any_bytes_are_read_without_a_crash(data: bytes) -> None:
    entries = list(read_stock(io.BytesIO(b"SKU,Qty\nA,1\n" + data)).entries)
    assert entries
