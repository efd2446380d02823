"""Our own CSV: a column for each field of a product, in any order."""

from collections.abc import Iterator, Sequence

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


@frozen
class OwnFields:
    """The fields of a file with the place of each, and its columns that are none of ours."""

    places: Sequence[tuple[int, str]]
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
    places = [(place, _BY_KEY[each]) for place, each, _ in named if each in _BY_KEY]
    if _NAMING.isdisjoint(name for _, name in places):
        return None
    unknown = [n for _, each, n in named if each not in _BY_KEY and each not in _SHOWN_KEYS]
    return OwnFields(places, unknown)


def read(table: Table, found: OwnFields) -> Iterator[ImportEntry]:
    """Return the product of each row, after one entry that warns of unknown columns."""
    if found.unknown:
        yield ImportEntry(table.line, None, warnings=unknown_columns(found.unknown))
    for row in table.rows():
        if row.wrong:
            yield ImportEntry(row.line, None, (Fault("", row.wrong),))
        else:
            yield _entry(row, found.places)


def unknown_columns(names: Sequence[str]) -> tuple[Fault, ...]:
    """Return the warnings of columns that nothing is read from."""
    return tuple(Fault(printable(name), "Unknown column: not read") for name in names)


def _entry(row: Row, places: Sequence[tuple[int, str]]) -> ImportEntry:
    values: dict[str, object] = {}
    faults: list[Fault] = []
    for place, name in places:
        if place >= len(row.cells):
            continue
        cell = unescaped(row.cells[place])
        if name in LEFT_OUT_IF_BLANK and not cell.strip():
            continue
        try:
            values[name] = FIELDS[name](cell)
        except RefusedError as refused:
            faults.append(Fault(name, str(refused)))
    return ImportEntry(row.line, None if faults else values, tuple(faults))
