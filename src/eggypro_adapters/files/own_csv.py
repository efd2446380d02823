"""Our own CSV: a column for each field of a product, in any order."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from attrs import frozen

from eggypro_adapters.files.cell_parsers import FIELDS, LEFT_OUT_IF_BLANK, unescaped
from eggypro_adapters.files.csv_table import Row, Table, key, refuse_twice
from eggypro_core.domain.product import SHOWN
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault
from eggypro_core.validation.fields import RefusedError, printable

_BY_KEY = {key(name): name for name in FIELDS}
_NAMING = frozenset({"name", "slug"})
_SHOWN_KEYS = frozenset(key(name) for name in SHOWN | {"version"}) - _BY_KEY.keys()


class Column(NamedTuple):
    """A column of ours: its place, its field, and how its cells are read."""

    place: int
    name: str
    read: Callable[[str], object]
    skip_blank: bool


@frozen
class OwnFields:
    """The columns of a file that are ours, and the names of those that are not."""

    columns: Sequence[Column]
    unknown: Sequence[str]


def recognises(header: Sequence[str]) -> bool:
    """Whether a header reads like ours: a name or a slug, and not more strange names than known."""
    names = {key(name) for name in header} - _SHOWN_KEYS - {""}
    known = names & _BY_KEY.keys()
    return not _NAMING.isdisjoint(known) and 2 * len(known) >= len(names)


def fields(header: Sequence[str]) -> OwnFields | None:
    """Return what a header names, None where it has neither name nor slug.

    Raises MalformedError where it names anything twice.
    """
    named = [(place, key(name), name) for place, name in enumerate(header) if key(name)]
    refuse_twice((each, name) for _, each, name in named)
    columns = [_column(place, _BY_KEY[each]) for place, each, _ in named if each in _BY_KEY]
    if _NAMING.isdisjoint(column.name for column in columns):
        return None
    unknown = [n for _, each, n in named if each not in _BY_KEY and each not in _SHOWN_KEYS]
    return OwnFields(columns, unknown)


def read(table: Table, found: OwnFields) -> Iterator[ImportEntry]:
    """Return the product of each row, after one entry that warns of unknown columns."""
    if found.unknown:
        yield ImportEntry(table.line, None, warnings=unknown_columns(found.unknown))
    for row in table.rows():
        if row.wrong:
            yield ImportEntry(row.line, None, (Fault("", row.wrong),))
        else:
            yield _entry(row, found.columns)


def unknown_columns(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the warnings of columns that nothing is read from."""
    return tuple(Fault(printable(name), "Unknown column: not read") for name in names)


def _column(place: int, name: str) -> Column:
    return Column(place, name, FIELDS[name], name in LEFT_OUT_IF_BLANK)


def _entry(row: Row, columns: Sequence[Column]) -> ImportEntry:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    width = len(row.cells)
    for place, name, read_cell, skip_blank in columns:
        if place >= width:
            continue
        cell = unescaped(row.cells[place])
        if skip_blank and not cell.strip():
            continue
        try:
            values[name] = read_cell(cell)
        except RefusedError as refused:
            faults.append(Fault(name, str(refused)))
    return ImportEntry(row.line, None if faults else values, tuple(faults))
