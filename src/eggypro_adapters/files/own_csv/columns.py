"""The columns of our own CSV, and the parsing of a row."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple

from attrs import frozen

from eggypro_adapters.files.cell_parsers import (
    FIELD_PARSERS,
    parse_integer,
    parse_map,
    unescape_formula,
)
from eggypro_adapters.files.prices import parse_price
from eggypro_adapters.files.row_messages import cell_error
from eggypro_core.domain.field_definition import FieldType
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.domain.variant import VARIANT_FIELDS
from eggypro_core.validation.fields import InvalidValueError

_PRICES = frozenset({"price", "compare_at_price"})
CellParser = Callable[[str], object]
OPTIONS = "options"
"""The column that makes a row a variant of the product with the same slug."""


def _parse_optional_text(cell: str) -> str | None:
    return cell if cell.strip() else None


_VARIANT_PARSERS: Mapping[FieldType, CellParser] = {
    FieldType.TEXT: _parse_optional_text,
    FieldType.INTEGER: parse_integer,
    FieldType.TEXT_MAP: parse_map,
}
VARIANT_COLUMNS: Mapping[str, CellParser] = MappingProxyType(
    {
        field.name: FIELD_PARSERS.get(field.name) or _VARIANT_PARSERS[field.type]
        for field in VARIANT_FIELDS
    }
)
"""The columns that a row of a variant can set, with the parser of their cells."""


class Column(NamedTuple):
    """A known column: its position, its name in the file, its field and its parser."""

    position: int
    header: str
    name: str
    parse: CellParser
    skip_blank: bool


@frozen
class OwnColumns:
    """The columns of a file. Without an `options` column, no row is a variant.

    `unknown` are the positions and names of the columns that are not imported.
    """

    product: Sequence[Column]
    variant: Sequence[Column]
    unknown: Sequence[tuple[int, str]]

    def with_decimal_comma(self) -> "OwnColumns":
        """Return the columns of a table whose prices have decimal commas."""
        parse = partial(parse_price, decimal_comma=True)
        product, variant = (
            [
                column._replace(parse=parse) if column.name in _PRICES else column
                for column in columns
            ]
            for columns in (self.product, self.variant)
        )
        return OwnColumns(product, variant, self.unknown)

    @property
    def names(self) -> Mapping[str, str]:
        """Return the name of each field's column."""
        return {column.name: column.header for column in (*self.variant, *self.product)}


class RowValues(NamedTuple):
    """The values of a row by field, and the errors of its cells."""

    values: dict[str, object]
    errors: list[ImportMessage]


def entry_of_row(line: int, cells: Sequence[str], columns: Iterable[Column]) -> ImportEntry:
    """Return the product of a row."""
    values, errors = parse_row(line, cells, columns)
    return ImportEntry(line, None if errors else values, tuple(errors))


def parse_row(line: int, cells: Sequence[str], columns: Iterable[Column]) -> RowValues:
    """Return the values of the cells of some columns."""
    values: dict[str, object] = {}
    errors: list[ImportMessage] = []
    width = len(cells)
    for position, header, name, parse_cell, skip_blank in columns:
        if position >= width:
            continue
        cell = unescape_formula(cells[position])
        if skip_blank and not cell.strip():
            continue
        try:
            values[name] = parse_cell(cell)
        except InvalidValueError as error:
            errors.append(cell_error(line, name, str(error), column=header, cell=cell))
    return RowValues(values, errors)
