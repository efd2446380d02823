import io
import os
import threading

import pytest

from eggypro_adapters.files import FORMATS, read_products
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import ParseError, ValidationError


def read(data: bytes, form: str = "auto") -> list[ImportEntry]:
    return list(read_products(io.BytesIO(data), file_format=form).entries)


def names(entries: list[ImportEntry]) -> list[object]:
    return [entry.values and entry.values.get("name") for entry in entries]


def unused(column: str, example: str, *, line: int) -> ImportMessage:
    """Return the warning about a column with a single value."""
    message = f"Column '{column}' has values in 1 row (such as '{example}'): ignored"
    return ImportMessage(line, "", message, column, example)


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


def test_unknown_header_error_skips_titles() -> None:
    text = "\nPrices of spring\n\nArticle;My price\nEgg;1\n"
    with pytest.raises(ParseError) as error:
        read(text.encode())
    assert str(error.value).startswith("Line 4 is not a known header: found 'Article', 'My price'")
    assert '--map price="My price"' in str(error.value)


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
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
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
    assert names(read(b'name;price;"a,b,c,d,e";slug\nEgg;1;x;egg'))[:1] == ["Egg"]
    assert names(read(b'name;price;"a,b,\nc,d,e";slug\nEgg;1;x;egg'))[:1] == ["Egg"]


def test_single_column_needs_no_delimiter() -> None:
    assert names(read(b"name\nEgg\n")) == ["Egg"]


BOM = b"\xef\xbb\xbf"


def test_undecodable_row_does_not_affect_other_rows() -> None:
    entries = read(BOM + b'name,price,description\nEgg,1,\nHam,2,"a\n\xff"\nRye,3,\n')
    assert names(entries) == ["Egg", None, "Rye"]
    assert [entry.line for entry in entries] == [2, 3, 5]
    assert messages(entries[1]) == [
        "Line 4 has bytes that are invalid in the file's encoding: save the file as UTF-8"
    ]


def test_undecodable_header_raises_parse_error() -> None:
    with pytest.raises(ParseError, match="Line 1 has bytes that are invalid"):
        read(BOM + b"name,price,\xff\nEgg,1,\n")


def test_file_that_is_not_utf_8_is_windows_1252_with_one_warning() -> None:
    text = "name,price\nEgg,1\n“Käse” 5 €,2\nSmør\x81,3\n"
    data = text.replace("\x81", "").encode("windows-1252").replace(b"Sm\xf8r", b"Sm\xf8r\x81")
    entries = read(data)
    assert names(entries) == ["Egg", "“Käse” 5 €", "Smør\x81", None]
    warning = ImportMessage(3, "", "The file is not UTF-8: read as Windows-1252", value="“Käse”")
    assert entries[-1] == ImportEntry(3, None, warnings=(warning,))


def test_characters_of_utf_8_stay_beside_bytes_of_windows_1252() -> None:
    data = "name,price\nCrème brûlée @s,1\n".encode().replace(b"@", b"\x92")
    assert names(read(data))[0] == "Crème brûlée \u2019s"


def test_header_of_windows_1252_is_read() -> None:
    entries = read("name;price;größe\nEgg;1;x\n".encode("windows-1252"))
    assert names(entries) == ["Egg", None, None]
    assert [entry.warnings[0].column for entry in entries[1:]] == ["größe", ""]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("name", ["Egg", "Яйцо", "Αυγό"])
def test_utf16_without_byte_order_mark(encoding: str, name: str) -> None:
    assert names(read(f"name;price\n{name};1\n".encode(encoding))) == [name]


def test_text_with_nul_is_not_utf16() -> None:
    assert names(read(b"name,price\nE\x00g\x00,1\n")) == ["E\x00g\x00"]


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
    assert names(entries) == ["Egg", "Ham", "Rye", None]
    assert entries[2].values == {"name": "Rye", "price": "3", "sku": "r"}
    assert entries[3].warnings == (unused("(after the last column)", "surplus", line=4),)


def test_unclosed_quote_is_reported_at_the_line_where_it_opens() -> None:
    entries = read(b'name,price\nEgg,1\nHam,"2\nRye,3\nOat,4\n')
    assert names(entries) == ["Egg", None]
    assert entries[1].line == 3
    assert messages(entries[1]) == [
        "A quote opened on this line is never closed; lines 3 to 5 are skipped"
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spaces_after_a_closing_quote_are_ignored(delimiter: str) -> None:
    rows = [
        "name  ,details                 ,slug  ",
        '"Egg" ,"<p>""fresh"" , say ""   ,egg" ,egg   ',
        '"Ham"   ,"two\n""  ,\nlines"   ,"ham"   ',
    ]
    data = "\r\n".join(row.replace(" ,", f" {delimiter}").replace(",say", "say") for row in rows)
    entries = read(data.encode())
    assert [entry.errors for entry in entries] == [(), ()]
    assert names(entries) == ["Egg", "Ham"]
    egg, ham = (entry.values or {} for entry in entries)
    assert egg["details"] == f'<p>"fresh" {delimiter} say "   {delimiter}egg'
    assert ham["details"] == f'two\n"  {delimiter}\nlines'


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
    ["name,price,SKU,sku", "name,price,seo_title,SEO Title", "Handle,Title,Title,title",
     "Handle,URL handle,Title", "Handle,Title,Price,Variant Price", "Handle,Title,foo,FOO"],
)  # fmt: skip
def test_repeated_columns_are_merged(header: str) -> None:
    assert read(f"{header}\n".encode()) == []


def test_first_value_of_repeated_columns_is_imported() -> None:
    entries = read(b"name,SKU,price,sku\nEgg,a,1,a\nHam,,2,b\nRye,c,3,d\nOat\n")
    assert [entry.values and entry.values.get("sku") for entry in entries] == [
        "a", "b", "c", None, None
    ]  # fmt: skip
    assert entries[-1].warnings == (unused("sku (column 4)", "d", line=4),)


def test_columns_without_a_name_are_ignored() -> None:
    entry, warning = read(b"name,,price,\nEgg,x,1,\n")
    assert entry == ImportEntry(2, {"name": "Egg", "price": "1"})
    assert warning.warnings == (unused("(column 2)", "x", line=2),)


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
        assert sum(1 for _ in read_products(stream).entries) == 50_000
        assert not stream.closed
    writer.join()


def test_stream_with_short_reads_is_read() -> None:
    class Trickle(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 1, 1) if size != -1 else -1)

    assert names(list(read_products(Trickle("name,price\r\nCrème,1\r\n".encode())).entries)) == [
        "Crème"
    ]


@pytest.mark.parametrize("header", [b"", b"name\n"])
def test_stream_is_read_lazily(header: bytes) -> None:
    stream = io.BytesIO(header + b'{"name": "Egg"}\n' * 1_000_000)
    next(read_products(stream).entries)
    assert stream.tell() < 1_000_000


def test_unknown_columns_are_reported_once() -> None:
    *entries, last = read(b"name,price,colour,Sh\x07ape,id\nEgg,1,white,round,7\nHam,2,red,,\n")
    assert [entry.warnings for entry in entries] == [(), ()]
    colour = "Column 'colour' has values in 2 rows (such as 'white'): ignored"
    assert last == ImportEntry(
        1,
        None,
        warnings=(
            ImportMessage(2, "", colour, "colour", "white"),
            unused("Sh\ufffdape", "round", line=2),
        ),
    )


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=;;;", "\ufeffsep=;"])
def test_line_of_the_delimiter_is_not_the_header(line: str) -> None:
    (entry,) = read(f"{line}\r\nname;price;description\r\nSep;3,50;a,b,c\r\n".encode())
    assert entry == ImportEntry(3, {"name": "Sep", "price": "3.50", "description": "a,b,c"})


@pytest.mark.parametrize(
    ("data", "price"),
    [
        (b"name;price\nEgg;1.234,50", "1234.50"),
        (b"name;price\nEgg;9.50", "9.50"),
        (b"name;price\nEgg;1.234", "1234"),
        (b"name\tprice\nEgg\t9,50", "9.50"),
        (b"name|price\nEgg|9,50", "9.50"),
        (b'name,price\nEgg,"9,50"', "9.50"),
        (b'name,price\nEgg,"1,234"', "1234"),
        (b"name,price\nEgg,1.234", "1.234"),
    ],
)
def test_delimiter_decides_what_a_comma_in_a_price_means(data: bytes, price: str) -> None:
    assert read(data)[0].values == {"name": "Egg", "price": price}


def test_header_after_other_lines_is_found() -> None:
    entries = read(b'Price list, 2024\n"For\nfriends"\n\nname;price\nEgg;9,50\n')
    assert entries == [ImportEntry(6, {"name": "Egg", "price": "9.50"})]


def test_header_is_searched_in_the_first_50_lines_only() -> None:
    assert names(read(b"x\n" * 49 + b"name,price\nEgg,1\n")) == ["Egg"]
    with pytest.raises(ParseError, match="found 'x'"):
        read(b"x\n" * 50 + b"name,price\nEgg,1\n")


def test_shopify_s_inventory_file_is_refused_with_the_command_that_takes_it() -> None:
    header = b"Handle,Title,Option1 Name,Option1 Value,SKU,Location,Available\n"
    with pytest.raises(ParseError, match="eggypro stock import"):
        read(header)


def test_web_page_is_refused() -> None:
    with pytest.raises(ParseError, match="a web page"):
        read(b"<!DOCTYPE html><table><tr><td>name</td></tr></table>")


def test_table_of_names_and_prices_is_read_by_its_usual_columns() -> None:
    file = read_products(io.BytesIO('name,price,EAN,Link\nEgg,"€2,50 Incl. btw",,x\n'.encode()))
    egg, _ = file.entries
    assert (file.format, egg.values) == ("table", {"name": "Egg", "price": "2.50", "gtin": None})


@pytest.mark.parametrize(
    ("header", "options"),
    [
        (
            "ID,Title,Handle,Vendor,Published,Created,Updated,Price Range,Variants,Images,Tags",
            '--map name=Title --map slug=Handle --map brand=Vendor --map price="Price Range"',
        ),
        ("titre;prix;unité", "--map name=titre --map price=prix"),
        ("title,info,price", "--map name=title --map price=price"),
        ("Código,Descripción,Precio", "--map name=Descripción --map sku=Código --map price=Precio"),
        ("Bezeichnung;VK-Preis;Bestand", "--map name=Bezeichnung --map price=VK-Preis"),
    ],
)
def test_unknown_table_is_refused_with_options_to_start_from(header: str, options: str) -> None:
    with pytest.raises(ParseError) as error:
        read(f"{header}\nx\n".encode())
    assert options in str(error.value)


def test_handle_and_title_are_shopify_s_among_its_columns_only() -> None:
    file = read_products(io.BytesIO(b"Handle,Title,Vendor\negg,Egg,Hen\n"))
    assert file.format == "shopify"


def test_header_after_comments_in_a_template_of_meta_is_found() -> None:
    comment = '"# Required | A unique ID","# Required | The title, in 200 characters",# Optional\n'
    egg, *_ = read(f"{comment}id,title,price,availability\ne,Egg,2 EUR,in stock\n".encode())
    assert egg.values
    assert (egg.line, egg.values["name"], egg.values["price"]) == (3, "Egg", "2")
