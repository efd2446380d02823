"""Read products from JSON: an object per line, or a document."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import partial
from itertools import chain, islice

from attrs import evolve

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.json_files import document, product, table
from eggypro_adapters.files.mapped_tables import mapping as table_mapping
from eggypro_adapters.files.mapped_tables import reading as mapped_tables
from eggypro_adapters.files.mapped_tables.column_names import known_columns, suggest_options
from eggypro_adapters.files.shopify import columns as shopify
from eggypro_adapters.files.shopify import products_json
from eggypro_adapters.files.shopify import reading as shopify_reading
from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry, ImportFile, ImportMessage
from eggypro_core.errors import ParseError
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError, escape_control

FORMAT = "jsonl"
_MAX_NAMED_MEMBERS = 50
_EntryParser = Callable[[int, Mapping[str, object], UnusedColumns], ImportEntry]
_OWN_FIELDS = FIELD_PARSERS.keys() | READ_ONLY_FIELDS | {"version", "image_sets"}


def read_json(lines: TextLines, mapping: Mapping[str, str]) -> ImportFile:
    """Read the products of a JSON file; `mapping` names the member of each field.

    Objects whose members have the names of another format's columns are read like its table. Raises
    ParseError if the first object is no product and there is no mapping.
    """
    first_line = lines.peek()
    is_cut = len(first_line) >= MAX_PIECE_LENGTH and first_line[-1] not in "\r\n"
    is_document = document.is_document(first_line, is_complete=not is_cut)
    if is_document:
        texts = document.split_objects(lines)
        first = list(islice(texts, table.MAX_HEADER_ROWS))
        texts = chain(first, texts)
    else:
        first = [(1, first_line)]
        texts = ((lines.number, text) for text in lines if text.strip())
    if mapping:
        return ImportFile(FORMAT, _entries(texts, partial(_mapped_entry, mapping)))
    members = _first_members(first)
    if products_json.matches(members.keys()):
        return _read_shopify(texts, members)
    names = [*members]
    if file := table.read(names, texts, _object):
        return file
    if "name" not in names and (mapping := table_mapping.usual_mapping(names) or {}):
        return ImportFile(FORMAT, _entries(texts, partial(_mapped_entry, mapping)))
    if _is_foreign(members.keys()):
        raise ParseError(_foreign_message(names))
    return ImportFile(
        FORMAT, _entries(texts, product.entry_of) if is_document else product.read(lines)
    )


def _first_members(texts: Iterable[tuple[int, str]]) -> Mapping[str, object]:
    """Return the members of the first objects, without invalid ones: of each, the first value."""
    members: dict[str, object] = {}
    for _, text in texts:
        with suppress(InvalidValueError):
            members = _object(text) | members
    return members


def _read_shopify(texts: Iterable[tuple[int, str]], first: Mapping[str, object]) -> ImportFile:
    unused = UnusedColumns()
    products = ((line, _object_or_error(text)) for line, text in texts)
    table = products_json.table_of_products(products, first, unused)
    columns = shopify.parse_header(table.header)
    assert columns is not None, "the header has a handle"  # noqa: S101
    file = shopify_reading.read_table(table, columns)

    def entries() -> Iterator[ImportEntry]:
        yield from file.entries
        yield from unused.entries(1)

    return evolve(file, entries=entries())


def _object_or_error(text: str) -> Mapping[str, object] | str:
    try:
        return _object(text)
    except InvalidValueError as error:
        return str(error)


def _foreign_message(names: Sequence[str]) -> str:
    listed = ", ".join(f"'{escape_control(name)}'" for name in names[:_MAX_NAMED_MEMBERS])
    return (
        f"The JSON objects are not in EggyPro's format: their members are {listed}. "
        f"Name the member of each field: {suggest_options(names)}"
    )


def _is_foreign(names: AbstractSet[str]) -> bool:
    """Return whether an object has members that are not ours, and no name or only a title."""
    if names <= _OWN_FIELDS or "name" in names:
        return False
    return "slug" not in names or "name" in known_columns([*names])


def _entries(texts: Iterable[tuple[int, str]], parse: _EntryParser) -> Iterator[ImportEntry]:
    unused = UnusedColumns()
    for line, text in texts:
        try:
            values = _object(text)
        except InvalidValueError as error:
            yield ImportEntry(line, None, (ImportMessage(line, "", str(error)),))
        else:
            yield parse(line, values, unused)
    yield from unused.entries(1)


def _object(text: str) -> dict[str, object]:
    if len(text) > MAX_PIECE_LENGTH:
        raise InvalidValueError(f"The object is longer than {MAX_PIECE_LENGTH:,} characters")
    if is_undecodable(text):
        raise InvalidValueError(
            "The object has bytes that are invalid in the file's encoding: save the file as UTF-8"
        )
    values = strict_json.parse(text, nan_is_null=True)
    if not isinstance(values, dict):
        raise InvalidValueError("The value is not a JSON object")
    return values


def _mapped_entry(
    mapping: Mapping[str, str], line: int, values: Mapping[str, object], unused: UnusedColumns
) -> ImportEntry:
    """Return the product of an object whose members are mapped like the columns of a table."""
    present = {field: name for field, name in mapping.items() if name in values}
    columns = table_mapping.map_columns(list(values), present, decimal_comma=False)
    row = CsvRow(line, [table.cell(value) for value in values.values()])
    unused.add_row(columns.unused, row.cells, line)
    return mapped_tables.entry_of_row(row, columns.mapped)
