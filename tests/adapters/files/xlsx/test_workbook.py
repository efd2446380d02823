import io
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import ParseError
from tests.support.workbooks import packed, workbook

HEADER = ["name", "price", "sku"]


def read(data: bytes) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(data)).entries)


def value(cell: str, **options: Any) -> object:
    """Return the text that a cell is read as, in the column of the SKU."""
    (entry,) = read(workbook([HEADER, ["Egg", "1", cell]], **options))
    assert entry.values is not None
    return entry.values["sku"]


def test_rows_have_the_numbers_of_the_sheet() -> None:
    data = workbook([HEADER, ["Egg", "9.50", "e-1"], ["", " "], ["Ham & <co>", "2"]])
    assert read(data) == [
        ImportEntry(2, {"name": "Egg", "price": "9.50", "sku": "e-1"}),
        ImportEntry(4, {"name": "Ham & <co>", "price": "2"}),
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("5", "5"),
        ("5.0", "5"),
        ("12.5", "12.5"),
        ("19.990000000000002", "19.99"),
        ("0.30000000000000004", "0.3"),
        ("4006381333931", "4006381333931"),
        ("4.006381333931E+12", "4006381333931"),
        ("12345678901234567890", "12345678901234567890"),
        ("1E-3", "0.001"),
        ("-2", "-2"),
    ],
)
def test_numbers_are_exact_and_have_no_exponent(number: str, text: str) -> None:
    assert value(f"<c><v>{number}</v></c>") == text


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        ("45413", "dd/mm/yyyy", "2024-05-01"),
        ("45413", "[$-409]d-mmm-yy;@", "2024-05-01"),
        ("45413.4375", "yyyy\\-mm\\-dd hh:mm", "2024-05-01 10:30:00"),
        ("0.4375", "hh:mm", "10:30:00"),
        ("1", "d/m/yy", "1900-01-01"),
        ("59", "d/m/yy", "1900-02-28"),
        ("61", "d/m/yy", "1900-03-01"),
        ("1E+300", "d/m/yy", "1" + "0" * 300),
        ("1234.5", '#,##0.00 "days"', "1234.5"),
        ("1234.5", "[Red]#,##0.00\\d", "1234.5"),
        ("7", "00000000", "00000007"),
        ("7.5", "00", "7.5"),
        ("0.19", "0%", "0.19"),
        ("45413", "General", "45413"),
    ],
)
def test_number_formats(number: str, code: str, text: str) -> None:
    assert value(f'<c s="1"><v>{number}</v></c>', formats=[code]) == text


def test_dates_since_1904() -> None:
    assert value('<c s="1"><v>43951</v></c>', formats=["d/m/yy"], is_1904=True) == "2024-05-01"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c t="b"><v>1</v></c>', "TRUE"),
        ('<c t="b"><v>0</v></c>', "FALSE"),
        ('<c t="str"><f>A1</f><v>a</v></c>', "a"),
        ('<c t="d"><v>2024-05-01</v></c>', "2024-05-01"),
        ('<c t="e"><v>#N/A</v></c>', "#N/A"),
        ("<c/>", None),
        ('<c t="inlineStr"><is><t>a_x000D_b</t></is></c>', "a\rb"),
        ('<c t="inlineStr"><is><r><t>a</t></r><rPh><t>x</t></rPh><r><t>b</t></r></is></c>', "ab"),
        ('<c t="s"><v>1</v></c>', "bold text"),
    ],
)
def test_types_of_cells(cell: str, text: str | None) -> None:
    strings = ["<t>a</t>", "<r><t>bold</t></r><rPh><t>x</t></rPh><r><t> text</t></r>"]
    (entry,) = read(workbook([HEADER, ["Egg", "1", cell, "<c/>"]], strings=strings))
    assert entry.values
    assert entry.values.get("sku") == text


def test_cells_are_placed_by_their_references() -> None:
    cells = ['<c r="C2"><v>7</v></c>', '<c r="A2" t="str"><v>Egg</v></c>']
    assert read(workbook([HEADER, cells]))[0].values == {"name": "Egg", "price": None, "sku": "7"}


def test_first_sheet_with_a_header_is_read() -> None:
    data = workbook([["Notes"], ["a"]], [["Price list"], HEADER, ["Egg", "1"]], [["x"]])
    assert read(data) == [ImportEntry(3, {"name": "Egg", "price": "1"})]


def test_other_sheets_with_a_header_are_reported() -> None:
    *_, last = read(workbook([HEADER, ["Egg"]], [["x"]], [HEADER, ["Ham"]], [HEADER]))
    assert [(warning.line, warning.value) for warning in last.warnings] == [
        (1, "Sheet3"),
        (1, "Sheet4"),
    ]
    assert last.warnings[0].message.startswith("Sheet 'Sheet3' has products too: ignored")


def test_workbook_without_its_sheet_is_damaged() -> None:
    data = workbook([HEADER])
    with pytest.raises(ParseError, match="is damaged"):
        read(data.replace(b"sheet1.xml", b"sheet9.xml"))


def test_unknown_header_is_refused_with_its_columns() -> None:
    with pytest.raises(ParseError, match="found 'foo', 'bar'"):
        read_products(io.BytesIO(workbook([], [["foo", "bar"], ["1", "2"]])))


def test_unknown_header_error_skips_titles() -> None:
    with pytest.raises(ParseError, match="Line 3 is not a known header: found 'Thing', 'Cost'"):
        read(workbook([["Our list"], [], ["Thing", "Cost"], ["Egg", "1"]]))


def test_stream_need_not_be_seekable() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

    file = read_products(Pipe(workbook([HEADER, ["Egg", "1"]])))
    assert [entry.line for entry in file.entries] == [2]


@pytest.mark.parametrize(
    "replace",
    [
        {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row>"},
        {"xl/worksheets/sheet1.xml": b"\x00\xff"},
        {"xl/workbook.xml": b""},
        {"xl/sharedStrings.xml": b"<sst><si>"},
        {"xl/styles.xml": b'<styleSheet><numFmts><numFmt numFmtId="x"/></numFmts></styleSheet>'},
    ],
)
def test_damaged_file_raises_parse_error(replace: dict[str, bytes]) -> None:
    with pytest.raises(ParseError, match="is damaged"):
        read(workbook([HEADER, ["Egg", "1"]], replace=replace))


def test_missing_shared_string_raises_parse_error() -> None:
    with pytest.raises(ParseError, match="is damaged"):
        read(workbook([HEADER, ["Egg", "1", '<c t="s"><v>7</v></c>']]))


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_document_types_are_refused(name: str) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    with pytest.raises(ParseError, match="document type"):
        read(workbook([HEADER, ["Egg", "1"]], replace={name: bomb}))


def test_workbook_without_rows_is_empty() -> None:
    with pytest.raises(ParseError, match="The file is empty"):
        read(workbook([]))
    with pytest.raises(ParseError, match="The file is empty"):
        read(packed({"xl/workbook.xml": b"<workbook/>"}))


def test_memory_does_not_grow_with_the_file_size() -> None:
    strings = [f"<t>{number} {'x' * 1000}</t>" for number in range(2000)]
    rows = [["Egg", "1", f'<c t="s"><v>{number}</v></c>'] for number in range(2000)]
    data = workbook([HEADER, *rows * 5], strings=strings)
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_products(io.BytesIO(data)).entries) == 10_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    lambda text: text.strip() and text[0] not in "'<" and "_x" not in text
)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1))
def test_texts_are_read_as_they_are(rows: list[tuple[str, str]]) -> None:
    entries = read(workbook([["name", "sku"], *rows]))
    assert [entry.values for entry in entries] == [{"name": name, "sku": sku} for name, sku in rows]
