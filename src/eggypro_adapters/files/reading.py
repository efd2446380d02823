"""Detect the format of a product file and read it."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from io import BufferedReader
from typing import BinaryIO

from attrs import evolve

from eggypro_adapters.files import FORMATS, table_formats
from eggypro_adapters.files.csv_table import CsvTable, quote_names, read_csv
from eggypro_adapters.files.google import reading as google_reading
from eggypro_adapters.files.google import xml as google_xml
from eggypro_adapters.files.json_files.reading import read_json
from eggypro_adapters.files.mapped_tables import mapping as table_mapping
from eggypro_adapters.files.mapped_tables.column_names import suggest_options
from eggypro_adapters.files.table_opening import HeaderTest, open_archive, open_lines
from eggypro_adapters.files.text_lines import PrefixedStream, read_head
from eggypro_adapters.files.unpacking import WORKBOOK, Archive, unpack
from eggypro_core.domain.product_files import ImportEntry, ImportFile, ImportMessage
from eggypro_core.errors import FieldError, ParseError, ValidationError

_HEAD_BYTES = 1024
_MAX_NAMED_COLUMNS = 50
_REQUIRED_FIELDS = {"name", "price"}
"""Fields that every new product needs."""
_ACCEPTED_FORMATS = (
    "known are EggyPro's CSV (name, slug, price, ...), "
    "Shopify's CSV (Handle or URL handle, Title, ...), WooCommerce's CSV "
    "(Type, Name, Regular price, ...), feeds of Google and Meta (id, title, price, ...), "
    "JSON Lines and JSON arrays, and any other table by its columns: add "
)


def read_file(stream: BinaryIO, form: str, mapping: Mapping[str, str]) -> ImportFile:
    """Read the products of a file: see `read_products`."""
    if form not in FORMATS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(FORMATS)}")])
    table_mapping.check_fields(mapping)
    content = unpack(stream)
    if not isinstance(content, Archive):
        return _read_text(content, form, mapping)
    if not content.has(WORKBOOK):
        return _read_text(content.open_single(), form, mapping)
    return _read_table(open_archive(content, _header_test(form, mapping)), form, mapping)


def _read_text(stream: BinaryIO, form: str, mapping: Mapping[str, str]) -> ImportFile:
    head = read_head(stream, _HEAD_BYTES)
    stream = BufferedReader(PrefixedStream(head, stream))
    if form in {"auto", "google"} and google_xml.is_feed(head):
        return google_reading.read_xml(stream)
    lines = open_lines(stream)
    if form == "jsonl" or (form == "auto" and lines.peek().lstrip()[0] in "{["):
        file = read_json(lines, mapping)
        return _with_warnings(file, lines.warnings)
    return _read_table(read_csv(lines, _header_test(form, mapping)), form, mapping)


def _header_test(form: str, mapping: Mapping[str, str]) -> HeaderTest:
    """Return the function that recognises the header of a table."""
    if mapping:
        return partial(table_mapping.has_columns, mapping=mapping)
    if form in table_formats.FORMATS:
        return table_formats.FORMATS[form].matches
    formats = table_formats.DETECTED_FORMATS.values()
    return lambda header: any(table_format.matches(header) for table_format in formats)


def _read_table(table: CsvTable, form: str, mapping: Mapping[str, str]) -> ImportFile:
    """Read a table in its format. Raises ParseError if its header does not match."""
    file = _read_format(table, form, mapping)
    if file is None:
        raise ParseError(
            f"Line {table.header_line} is not a known header: {_describe_columns(table)}; "
            f"{_ACCEPTED_FORMATS}{suggest_options(table.header)}"
        )
    if form != "auto" and not file.columns.keys() >= _REQUIRED_FIELDS:
        file = evolve(file, help=_describe_misfit(table, form))
    return _with_warnings(file, table.warnings)


def _read_format(table: CsvTable, form: str, mapping: Mapping[str, str]) -> ImportFile | None:
    if mapping:
        return table_formats.read_mapped(table, mapping)
    if form in table_formats.FORMATS:
        return table_formats.FORMATS[form].read(table)
    for table_format in table_formats.DETECTED_FORMATS.values():
        if table_format.matches(table.header):
            return table_format.read(table)
    return None


def _with_warnings(
    file: ImportFile, warnings: Callable[[], tuple[ImportMessage, ...]]
) -> ImportFile:
    """Return the file with a last entry that has the warnings about its rows, if there are any."""

    def entries() -> Iterator[ImportEntry]:
        yield from file.entries
        if messages := warnings():
            yield ImportEntry(messages[0].line, None, warnings=messages)

    return evolve(file, entries=entries())


def _describe_misfit(table: CsvTable, form: str) -> str:
    return (
        f"Nothing in the file can be imported as {form}: {_describe_columns(table)}; "
        f"use another --format, or add {suggest_options(table.header)}"
    )


def _describe_columns(table: CsvTable) -> str:
    return f"found {quote_names(table.header, _MAX_NAMED_COLUMNS)}"
