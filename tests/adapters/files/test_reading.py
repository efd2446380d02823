import io
import os
import threading

import pytest

from eggypro_adapters.files import FORMATS, read_products
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError, ParseError, ValidationError


def read(data: bytes, form: str = "auto") -> list[ImportEntry]:
    return list(read_products(io.BytesIO(data), file_format=form))


def names(entries: list[ImportEntry]) -> list[object]:
    return [entry.values and entry.values.get("name") for entry in entries]


def messages(entry: ImportEntry) -> list[str]:
    return [error.message for error in entry.errors]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b" \n\r\n\t", b"\xff\xfe"])
def test_empty_file_raises_parse_error(form: str, data: bytes) -> None:
    with pytest.raises(ParseError, match="The file is empty"):
        read_products(io.BytesIO(data), file_format=form)


def test_unknown_format_raises_validation_error() -> None:
    with pytest.raises(ValidationError, match="eggypro-csv, jsonl, shopify"):
        read_products(io.BytesIO(b"name\n"), file_format="xml")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b'{"name": "Egg"}', "Egg"),
        (b'\n \n{"name": "Egg"}', "Egg"),
        (b"name,price\nEgg,1", "Egg"),
        (b"Handle,Title,Variant Price\negg,Egg,1", "Egg"),
        (b"Title,URL handle,Price\nEgg,egg,1", "Egg"),
    ],
)
def test_format_is_detected_from_the_content(data: bytes, name: str) -> None:
    assert names(read(data)) == [name]


@pytest.mark.parametrize("form", ["auto", "shopify", "eggypro-csv"])
def test_unknown_header_error_lists_columns_and_formats(form: str) -> None:
    with pytest.raises(ParseError) as error:
        read_products(io.BytesIO(b"foo,b\x07ar\n1,2"), file_format=form)
    sentence = str(error.value)
    assert "'foo', 'b\ufffdar'" in sentence
    assert "name, slug, price" in sentence
    assert "Handle or URL handle, Title" in sentence


@pytest.mark.parametrize(
    "header",
    [
        b"ID,Type,SKU,Name,Published,Description,Tax status,Stock,Regular price,Images",
        b"sku;name;type;REGULAR PRICE",
    ],
)
def test_woocommerce_header_is_not_detected_as_our_own(header: bytes) -> None:
    row = {b"type": b"grouped", b"name": b"Egg"}
    delimiter = b";" if b";" in header else b","
    cells = [row.get(name.lower(), b"") for name in header.split(delimiter)]
    (entry,) = read(header + b"\n" + delimiter.join(cells))
    assert entry.warnings[0].message == "Skipped: a grouped product cannot be sold here"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"]
)
def test_encodings_with_and_without_byte_order_mark(encoding: str) -> None:
    text = "name,price\nCrème brûlée 🍮,1\n"
    if encoding.endswith("-bom"):
        text, encoding = "\ufeff" + text, encoding.removesuffix("-bom")
    assert names(read(text.encode(encoding))) == ["Crème brûlée 🍮"]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_line_breaks_and_delimiters(line_break: str, delimiter: str) -> None:
    rows = [["name", "price", "description"], ["Egg", "1", '"two', 'lines"'], ["Ham", "2", ""]]
    text = delimiter.join(rows[0]) + line_break
    text += delimiter.join(rows[1][:3]) + line_break + rows[1][3] + line_break
    text += line_break + delimiter.join(rows[2])
    entries = read(text.encode())
    assert names(entries) == ["Egg", "Ham"]
    assert [entry.line for entry in entries] == [2, 5]
    assert entries[0].values
    assert entries[0].values["description"] == f"two{line_break}lines"


def test_delimiters_inside_quotes_are_not_counted() -> None:
    assert names(read(b'name;price;"a,b,c,d,e";slug\nEgg;1;x;egg'))[1:] == ["Egg"]
    assert names(read(b'name;price;"a,b,\nc,d,e";slug\nEgg;1;x;egg'))[1:] == ["Egg"]


def test_single_column_needs_no_delimiter() -> None:
    assert names(read(b"name\nEgg\n")) == ["Egg"]


def test_undecodable_row_does_not_affect_other_rows() -> None:
    entries = read(b'name,price,description\nEgg,1,\nHam,2,"a\n\xff"\nRye,3,\n')
    assert names(entries) == ["Egg", None, "Rye"]
    assert [entry.line for entry in entries] == [2, 3, 5]
    assert messages(entries[1]) == [
        "Line 4 has bytes that are invalid in the file's encoding: save the file as UTF-8"
    ]


def test_undecodable_header_raises_parse_error() -> None:
    with pytest.raises(ParseError, match="Line 1 has bytes that are invalid"):
        read(b"name,price,\xff\nEgg,1,\n")


@pytest.mark.parametrize("tail", [b"x", b"\x3d\xd8"])
def test_utf16_ending_inside_a_character_is_an_error_of_the_last_line(tail: bytes) -> None:
    entries = read("name,price\nEgg,1\nHam".encode("utf-16") + tail)
    assert names(entries) == ["Egg", None]
    assert "has bytes that are invalid" in messages(entries[1])[0]


def test_lone_surrogates_of_utf16_are_an_error_of_their_line() -> None:
    data = "name,price\nEgg,1\nHam".encode("utf-16") + b"\x3d\xd8" + "\nRye,3".encode("utf-16-le")
    assert names(read(data)) == ["Egg", None, "Rye"]


def test_blank_lines_and_rows_are_skipped() -> None:
    entries = read(b"\n\nname,price\n\nEgg,1\n , \n,\n\nHam,2\n\n")
    assert [(entry.line, entry.errors) for entry in entries] == [(5, ()), (9, ())]


def test_rows_shorter_and_longer_than_the_header() -> None:
    entries = read(b"name,price,sku\nEgg\nHam,2,h, ,\nRye,3,r,,surplus\n")
    assert entries[0].values == {"name": "Egg"}
    assert names(entries) == ["Egg", "Ham", None]
    assert messages(entries[2]) == ["The row has 5 cells, the header only 3"]
    assert entries[2].line == 4


def test_unclosed_quote_is_reported_at_the_line_where_it_opens() -> None:
    entries = read(b'name,price\nEgg,1\nHam,"2\nRye,3\nOat,4\n')
    assert names(entries) == ["Egg", None]
    assert entries[1].line == 3
    assert messages(entries[1]) == [
        "A quote opened on this line is never closed; lines 3 to 5 are skipped"
    ]


def test_line_after_an_error_of_quoting_is_read() -> None:
    entries = read(b'name,price\n"5" pan",1\nHam,2\n')
    assert names(entries) == [None, "Ham"]
    assert "Text follows a closing quote" in messages(entries[0])[0]


@pytest.mark.parametrize("break_every", [0, 1000])
def test_record_after_a_too_long_cell_is_read(break_every: int) -> None:
    cell = "x" * (1024 * 1024 + 1)
    if break_every:
        cell = "\n".join(cell[i : i + break_every] for i in range(0, len(cell), break_every))
    entries = read(f'name,description\nEgg,"{cell}"\nHam,y\n'.encode())
    assert names(entries) == [None, "Ham"]
    assert entries[0].line == 2
    assert "more than 1,048,576 characters" in messages(entries[0])[0]
    assert entries[1].line == 3 + cell.count("\n")


def test_cell_of_maximum_length_is_read() -> None:
    cell = "x" * (1024 * 1024)
    assert names(read(f'name,description\nEgg,"{cell}"\n'.encode())) == ["Egg"]


def test_line_after_a_too_long_line_is_read() -> None:
    many = '"a",' * (2 * 1024 * 1024)
    entries = read(f"name,price\n{many}\nHam,2\n".encode())
    assert names(entries) == [None, "Ham"]
    assert [entry.line for entry in entries] == [2, 3]


def test_header_names_may_have_line_breaks_and_vary_in_spelling() -> None:
    entries = read(b'" NAME ","Compare-At\nPrice",SEO title\nEgg,2,s\n')
    assert entries == [
        ImportEntry(3, {"name": "Egg", "compare_at_price": "2", "seo_title": "s"}),
    ]


@pytest.mark.parametrize(
    "header",
    ["name,price,Name", "name,seo_title,SEO Title", "name,price,foo,Foo", "Handle,Title,Title",
     "Handle,URL handle,Title", "Handle,Title,Price,Variant Price", "Handle,Title,foo,FOO"],
)  # fmt: skip
def test_duplicate_columns_raise_parse_error(header: str) -> None:
    with pytest.raises(ParseError, match="Two columns have the same meaning: '"):
        read(f"{header}\n".encode())


def test_columns_without_a_name_are_ignored() -> None:
    assert read(b"name,,price,\nEgg,x,1,\n") == [ImportEntry(2, {"name": "Egg", "price": "1"})]


def test_file_with_only_a_header_has_no_products() -> None:
    assert read(b"name,price\n") == []


def test_nul_and_control_characters_are_read() -> None:
    assert names(read(b"name,price\nE\x00g\x07g\x0b\x1c,1\n")) == ["E\x00g\x07g\x0b\x1c"]


def test_too_many_columns_raise_parse_error() -> None:
    with pytest.raises(ParseError, match="more than 5,000 columns"):
        read(b"name" + b",x" * 5000)


def test_pipe_is_read_while_it_is_written() -> None:
    source, sink = os.pipe()

    def write() -> None:
        with os.fdopen(sink, "wb") as stream:
            stream.writelines(b'{"name": "%d"}\n' % number for number in range(50_000))

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(source, "rb") as stream:
        assert sum(1 for _ in read_products(stream)) == 50_000
        assert not stream.closed
    writer.join()


def test_stream_with_short_reads_is_read() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 1) if size != -1 else -1)

    assert names(list(read_products(Trickle("name,price\r\nCrème,1\r\n".encode())))) == ["Crème"]


@pytest.mark.parametrize("header", [b"", b"name\n"])
def test_stream_is_read_lazily(header: bytes) -> None:
    stream = io.BytesIO(header + b'{"name": "Egg"}\n' * 1_000_000)
    next(read_products(stream))
    assert stream.tell() < 1_000_000


def test_unknown_columns_are_reported_once() -> None:
    entries = read(b"name,price,colour,Sh\x07ape,id\nEgg,1,white,round,7\nHam,2,,,\n")
    assert entries[0] == ImportEntry(
        1,
        None,
        warnings=(
            FieldError("colour", "Unknown column: ignored"),
            FieldError("Sh\ufffdape", "Unknown column: ignored"),
        ),
    )
    assert [entry.warnings for entry in entries[1:]] == [(), ()]
