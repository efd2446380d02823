"""Our own CSV: a column for each field of a product, in any order."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from attrs import frozen

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, OMITTED_IF_BLANK, unescape_formula
from eggypro_adapters.files.csv_table import CsvRow, CsvTable, check_unique_columns, column_key
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError
from eggypro_core.validation.fields import InvalidValueError, escape_control

_FIELDS_BY_KEY = {column_key(name): name for name in FIELD_PARSERS}
_IDENTIFYING_FIELDS = frozenset({"name", "slug"})
_READ_ONLY_KEYS = (
    frozenset(column_key(name) for name in READ_ONLY_FIELDS | {"version"}) - _FIELDS_BY_KEY.keys()
)


class Column(NamedTuple):
    """A column of ours: its place, its field, and how its cells are read."""

    place: int
    name: str
    read: Callable[[str], object]
    skip_blank: bool


@frozen
class OwnColumns:
    """The columns of a file that are ours, and the names of those that are not."""

    columns: Sequence[Column]
    unknown: Sequence[str]


def matches_header(header: Sequence[str]) -> bool:
    """Whether a header reads like ours: a name or a slug, and not more strange names than known."""
    names = {column_key(name) for name in header} - _READ_ONLY_KEYS - {""}
    known = names & _FIELDS_BY_KEY.keys()
    return not _IDENTIFYING_FIELDS.isdisjoint(known) and 2 * len(known) >= len(names)


def parse_header(header: Sequence[str]) -> OwnColumns | None:
    """Return what a header names, None where it has neither name nor slug.

    Raises ParseError where it names anything twice.
    """
    named = [
        (place, column_key(name), name) for place, name in enumerate(header) if column_key(name)
    ]
    check_unique_columns((each, name) for _, each, name in named)
    columns = [
        _column(place, _FIELDS_BY_KEY[each]) for place, each, _ in named if each in _FIELDS_BY_KEY
    ]
    if _IDENTIFYING_FIELDS.isdisjoint(column.name for column in columns):
        return None
    unknown = [
        n for _, each, n in named if each not in _FIELDS_BY_KEY and each not in _READ_ONLY_KEYS
    ]
    return OwnColumns(columns, unknown)


def read(table: CsvTable, found: OwnColumns) -> Iterator[ImportEntry]:
    """Return the product of each row, after one entry that warns of unknown columns."""
    if found.unknown:
        yield ImportEntry(table.header_line, None, warnings=unknown_column_warnings(found.unknown))
    for row in table.rows():
        if row.error:
            yield ImportEntry(row.line, None, (FieldError("", row.error),))
        else:
            yield _entry(row, found.columns)


def unknown_column_warnings(names: Sequence[str]) -> tuple[FieldError, ...]:
    """Return the warnings of columns that nothing is read from."""
    return tuple(FieldError(escape_control(name), "Unknown column: not read") for name in names)


def _column(place: int, name: str) -> Column:
    return Column(place, name, FIELD_PARSERS[name], name in OMITTED_IF_BLANK)


def _entry(row: CsvRow, columns: Sequence[Column]) -> ImportEntry:
    values: dict[str, object] = {}
    faults: list[FieldError] = []
    width = len(row.cells)
    for place, name, read_cell, skip_blank in columns:
        if place >= width:
            continue
        cell = unescape_formula(row.cells[place])
        if skip_blank and not cell.strip():
            continue
        try:
            values[name] = read_cell(cell)
        except InvalidValueError as refused:
            faults.append(FieldError(name, str(refused)))
    return ImportEntry(row.line, None if faults else values, tuple(faults))
