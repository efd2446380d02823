"""Read products from our own CSV: one column per field, in any order."""

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
    """A known column: its position, its field, and the parser of its cells."""

    position: int
    name: str
    parse: Callable[[str], object]
    skip_blank: bool


@frozen
class OwnColumns:
    """The known columns of a file, and the names of the unknown ones."""

    columns: Sequence[Column]
    unknown: Sequence[str]


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header looks like our own: a name or slug, and at least half of it known."""
    names = {column_key(name) for name in header} - _READ_ONLY_KEYS - {""}
    known = names & _FIELDS_BY_KEY.keys()
    return not _IDENTIFYING_FIELDS.isdisjoint(known) and 2 * len(known) >= len(names)


def parse_header(header: Sequence[str]) -> OwnColumns | None:
    """Return the columns of a header, or None if it has neither name nor slug.

    Raises ParseError if two columns have the same meaning.
    """
    keyed = [
        (position, column_key(name), name)
        for position, name in enumerate(header)
        if column_key(name)
    ]
    check_unique_columns((key, name) for _, key, name in keyed)
    columns = [
        _column(position, _FIELDS_BY_KEY[key])
        for position, key, _ in keyed
        if key in _FIELDS_BY_KEY
    ]
    if _IDENTIFYING_FIELDS.isdisjoint(column.name for column in columns):
        return None
    unknown = [
        name for _, key, name in keyed if key not in _FIELDS_BY_KEY and key not in _READ_ONLY_KEYS
    ]
    return OwnColumns(columns, unknown)


def read(table: CsvTable, header: OwnColumns) -> Iterator[ImportEntry]:
    """Yield the product of each row, preceded by one entry that warns about unknown columns."""
    if header.unknown:
        yield ImportEntry(table.header_line, None, warnings=unknown_column_warnings(header.unknown))
    for row in table.rows():
        if row.error:
            yield ImportEntry(row.line, None, (FieldError("", row.error),))
        else:
            yield _entry(row, header.columns)


def unknown_column_warnings(names: Sequence[str]) -> tuple[FieldError, ...]:
    """Return one warning per unknown column."""
    return tuple(FieldError(escape_control(name), "Unknown column: ignored") for name in names)


def _column(position: int, name: str) -> Column:
    return Column(position, name, FIELD_PARSERS[name], name in OMITTED_IF_BLANK)


def _entry(row: CsvRow, columns: Sequence[Column]) -> ImportEntry:
    values: dict[str, object] = {}
    errors: list[FieldError] = []
    width = len(row.cells)
    for position, name, parse_cell, skip_blank in columns:
        if position >= width:
            continue
        cell = unescape_formula(row.cells[position])
        if skip_blank and not cell.strip():
            continue
        try:
            values[name] = parse_cell(cell)
        except InvalidValueError as error:
            errors.append(FieldError(name, str(error)))
    return ImportEntry(row.line, None if errors else values, tuple(errors))
