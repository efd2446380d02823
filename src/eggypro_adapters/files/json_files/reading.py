"""Read products from JSON: an object per line, or a document."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain, islice

from attrs import evolve

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.json_files import document, table
from eggypro_adapters.files.json_files.product import parse_product
from eggypro_adapters.files.mapped_tables import mapping as table_mapping
from eggypro_adapters.files.mapped_tables import reading as mapped_tables
from eggypro_adapters.files.mapped_tables.column_names import known_columns, suggest_options
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.shopify import columns as shopify
from eggypro_adapters.files.shopify import products_json
from eggypro_adapters.files.shopify import reading as shopify_reading
from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry, ImportFile
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
    ParseError if the first object is not a product and there is no mapping.
    """
    first_line = lines.peek()
    is_cut = len(first_line) >= MAX_PIECE_LENGTH and first_line[-1] not in "\r\n"
    is_document = document.is_document(first_line, is_complete=not is_cut)
    texts = document.split_objects(lines) if is_document else _split_lines(lines)
    unit = "value" if is_document else "line"
    head = list(islice(texts, table.MAX_HEADER_ROWS if is_document else 1))
    objects = _parse(chain(head, texts), unit)
    if mapping:
        return ImportFile(FORMAT, _entries(objects, partial(_mapped_entry, mapping)))
    members = _first_members(_parse(head, unit))
    if products_json.matches(members.keys()):
        return _read_shopify(objects, members)
    names = [*members]
    if file := table.read(names, objects):
        return file
    if "name" not in names and (mapping := table_mapping.usual_mapping(names) or {}):
        return ImportFile(FORMAT, _entries(objects, partial(_mapped_entry, mapping)))
    if _is_foreign(members.keys()):
        raise ParseError(_foreign_message(names))
    return ImportFile(FORMAT, _entries(objects, parse_product))


def _split_lines(lines: TextLines) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank; one that is too long is cut one character later."""
    for text in lines:
        number = lines.number
        if not lines.is_complete:
            yield number, text + next(lines, "")[:1]
            lines.skip_rest()
        elif text.strip():
            yield number, text


def _parse(texts: Iterable[tuple[int, str]], unit: str) -> Iterator[tuple[int, table.ParsedObject]]:
    """Yield the members of each object with its line; messages call an invalid one `unit`."""
    for line, text in texts:
        try:
            yield line, _members(text, unit)
        except InvalidValueError as error:
            yield line, str(error)


def _members(text: str, unit: str) -> Mapping[str, object]:
    if len(text) > MAX_PIECE_LENGTH:
        raise InvalidValueError(f"The {unit} is longer than {MAX_PIECE_LENGTH:,} characters")
    if is_undecodable(text):
        raise InvalidValueError(
            f"The {unit} has bytes that are invalid in the file's encoding: save the file as UTF-8"
        )
    values = strict_json.parse(text, nan_is_null=True)
    if not isinstance(values, dict):
        raise InvalidValueError(f"The {unit} is not a JSON object")
    return values


def _first_members(objects: Iterable[tuple[int, table.ParsedObject]]) -> Mapping[str, object]:
    """Return the members of the valid objects; of members with the same name, the first."""
    members: dict[str, object] = {}
    for _, values in objects:
        if not isinstance(values, str):
            members = {**values, **members}
    return members


def _read_shopify(
    objects: Iterable[tuple[int, table.ParsedObject]], first: Mapping[str, object]
) -> ImportFile:
    unused = UnusedColumns()
    rows = products_json.table_of_products(objects, first, unused)
    columns = shopify.parse_header(rows.header)
    if columns is None:
        raise AssertionError("the header has no handle")
    file = shopify_reading.read_table(rows, columns)

    def entries() -> Iterator[ImportEntry]:
        yield from file.entries
        yield from unused.entries(1)

    return evolve(file, entries=entries())


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


def _entries(
    objects: Iterable[tuple[int, table.ParsedObject]], parse: _EntryParser
) -> Iterator[ImportEntry]:
    """Yield the product of each object, and at last a warning about unknown members."""
    unused = UnusedColumns()
    for line, values in objects:
        if isinstance(values, str):
            yield rejected_entry(line, values)
        else:
            yield parse(line, values, unused)
    yield from unused.entries(1)


def _mapped_entry(
    mapping: Mapping[str, str], line: int, values: Mapping[str, object], unused: UnusedColumns
) -> ImportEntry:
    """Return the product of an object whose members are mapped like the columns of a table."""
    present = {field: name for field, name in mapping.items() if name in values}
    columns = table_mapping.map_columns(list(values), present, decimal_comma=False)
    row = CsvRow(line, [table.cell(value) for value in values.values()])
    unused.add_row(columns.unused, row.cells, line)
    return mapped_tables.entry_of_row(row, columns.mapped)
