"""Map the columns of a table that no shop system defines to the fields of a product."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

from attrs import frozen

from eggypro_adapters.files.csv_table import column_key, fold_name
from eggypro_adapters.files.mapped_tables import cells
from eggypro_adapters.files.mapped_tables.column_names import known_columns
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation.fields import escape_control

ATTRIBUTE = "attribute."
OPTION = "option."
_OWN_FIELDS = {column_key(field): field for field in cells.FIELDS}
_OWN_ONLY_KEYS = frozenset({"options", "variants", "categorydetails", "attributes"})
"""Columns that only our own CSV has."""


@frozen
class MappedColumn:
    """A column: its position and name in the file, its field, and the parser of its cells."""

    position: int
    name: str
    field: str
    parse: cells.CellParser


@frozen
class MappedColumns:
    """The columns of a table that are imported, and positions and names of the others."""

    mapped: Sequence[MappedColumn]
    unused: Sequence[tuple[int, str]]


def check_fields(mapping: Mapping[str, str]) -> None:
    """Raise ValidationError for fields that do not exist."""
    unknown = [
        field
        for field in mapping
        if field not in cells.FIELDS
        and not (field.startswith((ATTRIBUTE, OPTION)) and field.partition(".")[2].strip())
    ]
    if unknown:
        fields = ", ".join([*cells.FIELDS, "attribute.NAME", "option.NAME"])
        raise ValidationError(
            [
                FieldError("map", f"Unknown field '{escape_control(field)}'. Fields: {fields}")
                for field in unknown
            ]
        )


def has_columns(header: Sequence[str], mapping: Mapping[str, str]) -> bool:
    """Return whether a header has all columns of a mapping."""
    return bool(mapping) and all(_position(header, name) is not None for name in mapping.values())


def map_columns(
    header: Sequence[str], mapping: Mapping[str, str], *, decimal_comma: bool
) -> MappedColumns:
    """Return the columns of a mapping, and those with the names of other fields.

    Raises ParseError if the table lacks a column.
    """
    positions: dict[str, int] = {}
    for field, name in mapping.items():
        position = _position(header, name)
        if position is None:
            raise ParseError(_missing_column(name, header))
        positions[field] = position
    for position, name in enumerate(header):
        field = _OWN_FIELDS.get(column_key(name), "")
        if field and position not in positions.values():
            positions.setdefault(field, position)
    mapped = [
        MappedColumn(
            position,
            header[position],
            field,
            _parser(field, header[position], decimal_comma=decimal_comma),
        )
        for field, position in positions.items()
    ]
    taken = set(positions.values())
    return MappedColumns(
        mapped,
        [
            (position, name)
            for position, name in enumerate(header)
            if name and position not in taken
        ],
    )


def has_usual_columns(header: Sequence[str]) -> bool:
    """Return whether `usual_mapping` has a mapping that takes at least half of the columns."""
    mapping = usual_mapping(header) or {}
    return bool(mapping) and 2 * len(mapping) >= len([name for name in header if name])


def usual_mapping(header: Sequence[str]) -> Mapping[str, str] | None:
    """Return the mapping of a table with name, price and other columns with usual names.

    Returns None unless one of these is unknown to our own CSV, such as `Stock` or `Image URL`.
    """
    keys = {column_key(name) for name in header}
    if not _OWN_ONLY_KEYS.isdisjoint(keys) or not {"name", "price"} <= keys:
        return None
    own = {_OWN_FIELDS[key] for key in keys if key in _OWN_FIELDS}
    columns = known_columns(header)
    return columns if columns.keys() - own else None


def _parser(field: str, column: str, *, decimal_comma: bool) -> cells.CellParser:
    if field.startswith((ATTRIBUTE, OPTION)):
        return str
    return cells.parser_of(field, column, decimal_comma=decimal_comma)


def _position(header: Sequence[str], column: str) -> int | None:
    """Return the position of a column by its name, or else by its key."""
    for normalise in (fold_name, column_key):
        wanted = normalise(column)
        for position, name in enumerate(header):
            if wanted and normalise(name) == wanted:
                return position
    return None


def _missing_column(name: str, header: Iterable[str]) -> str:
    names = [column for column in header if column]
    near = difflib.get_close_matches(name, names, 1)
    hint = f" Did you mean '{escape_control(near[0])}'?" if near else ""
    listed = ", ".join(f"'{escape_control(column)}'" for column in names)
    return f"The file has no column '{escape_control(name)}'.{hint} Its columns: {listed}"
