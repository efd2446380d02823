"""Read products from our own CSV: one column per field, in any order."""

from collections.abc import Iterable, Iterator, Sequence

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, OMITTED_IF_BLANK
from eggypro_adapters.files.csv_table import CsvTable, column_key
from eggypro_adapters.files.own_csv import row_groups
from eggypro_adapters.files.own_csv.columns import (
    OPTIONS,
    VARIANT_COLUMNS,
    Column,
    OwnColumns,
    entry_of_row,
)
from eggypro_adapters.files.plain_descriptions import plain_description
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product import READ_ONLY_FIELDS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.variant import VARIANT_FIELDS

_IDENTIFYING_FIELDS = frozenset({"name", "slug"})
_OMITTED_IF_BLANK_IN_VARIANTS = frozenset(
    field.name for field in VARIANT_FIELDS if not field.nullable
)
_FIELDS_BY_KEY = {column_key(name): name for name in (*FIELD_PARSERS, *VARIANT_COLUMNS)}
_READ_ONLY_KEYS = (
    frozenset(column_key(name) for name in READ_ONLY_FIELDS | {"version"}) - _FIELDS_BY_KEY.keys()
)


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header looks like our own: a name or slug, and at least half of it known."""
    names = {column_key(name) for name in header} - _READ_ONLY_KEYS - {""}
    known = names & _FIELDS_BY_KEY.keys()
    return not _IDENTIFYING_FIELDS.isdisjoint(known) and 2 * len(known) >= len(names)


def parse_header(header: Sequence[str]) -> OwnColumns | None:
    """Return the columns of a header, or None if it has neither name nor slug."""
    keyed = [
        (position, column_key(name), name)
        for position, name in enumerate(header)
        if column_key(name)
    ]
    fields = [
        (position, name, _FIELDS_BY_KEY[key]) for position, key, name in keyed if _is_known(key)
    ]
    names = {field for _, _, field in fields}
    if _IDENTIFYING_FIELDS.isdisjoint(names):
        return None
    has_variants = OPTIONS in names
    known = FIELD_PARSERS.keys() | (VARIANT_COLUMNS.keys() if has_variants else set())
    return OwnColumns(
        product=_product_columns(fields, is_export="category_details" in names),
        variant=_variant_columns(fields) if has_variants else (),
        unknown=[
            (position, name)
            for position, key, name in keyed
            if _FIELDS_BY_KEY.get(key) not in known and key not in _READ_ONLY_KEYS
        ],
    )


def read(table: CsvTable, header: OwnColumns) -> Iterator[ImportEntry]:
    """Yield the products of the rows, then an entry that warns about unused columns.

    Rows with `options` are variants of the product with the same slug, anywhere in the file.
    """
    unused = UnusedColumns()
    if table.decimal_comma:
        header = header.with_decimal_comma()
    if header.variant:
        yield from row_groups.read(table.rows(), header, unused)
    else:
        for row in table.rows():
            unused.add_row(header.unknown, row.cells, row.line)
            yield (
                rejected_entry(row.line, row.error)
                if row.error
                else entry_of_row(row.line, row.cells, header.product)
            )
    yield from unused.entries(table.header_line)


def _is_known(key: str) -> bool:
    return key in _FIELDS_BY_KEY


def _product_columns(
    fields: Iterable[tuple[int, str, str]], *, is_export: bool
) -> Sequence[Column]:
    """Return the columns of a product; descriptions in exports are plain text already."""
    special = {} if is_export else {"description": plain_description}
    return [
        Column(
            position,
            header,
            name,
            special.get(name, FIELD_PARSERS[name]),
            name in OMITTED_IF_BLANK,
        )
        for position, header, name in fields
        if name in FIELD_PARSERS
    ]


def _variant_columns(fields: Iterable[tuple[int, str, str]]) -> Sequence[Column]:
    return [
        Column(position, header, name, VARIANT_COLUMNS[name], name in _OMITTED_IF_BLANK_IN_VARIANTS)
        for position, header, name in fields
        if name in VARIANT_COLUMNS
    ]
