"""Read Shopify's inventory file: the stock of each variant in each location."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from attrs import frozen

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import CsvTable, column_key
from eggypro_adapters.files.row_groups import GroupedRow
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.shopify.columns import without_apostrophe
from eggypro_adapters.files.shopify.rows import DEFAULT_TITLE
from eggypro_adapters.files.stock.levels import StockCell, StockLevel, sum_of_locations
from eggypro_core.domain.product_files import (
    ImportEntry,
    ImportFile,
    StockEntry,
    StockFile,
)

WRONG_COMMAND = (
    "This is Shopify's inventory file: import it with `eggypro stock import FILE`, "
    "or with --format shopify-inventory"
)
_OPTION_NUMBERS = (1, 2, 3)
_IDENTIFYING = {"handle", "sku"}
_INVENTORY = {"hscode", "coo", "location"}
_NOT_LOCATIONS = {
    *_IDENTIFYING,
    *_INVENTORY,
    *("title", "binname", "incoming", "unavailable", "committed", "onhand", ""),
    *(f"option{number}{part}" for number in _OPTION_NUMBERS for part in ("name", "value")),
}
_NOTES = ("noteditable", "current", "new")


@frozen
class InventoryColumns:
    """The positions of the columns in a row.

    `quantities` has the column `Available`, or those of all locations in older files. `options` are
    pairs of name and value.
    """

    handle: int
    sku: int
    title: int | None
    options: Sequence[tuple[int, int]]
    quantities: Sequence[int]


class VariantStock(NamedTuple):
    """The stock of a variant in all locations; `options` are empty for the default variant."""

    line: int
    sku: str
    options: dict[str, str]
    level: StockLevel


def matches_header(header: Sequence[str]) -> bool:
    """Return whether a header is that of Shopify's inventory file."""
    keys = {column_key(name) for name in header}
    return keys >= _IDENTIFYING and not keys.isdisjoint(_INVENTORY) and "price" not in keys


def parse_header(header: Sequence[str]) -> InventoryColumns | None:
    """Return the columns of a header, or None if it has no handle, SKU or quantity."""
    positions: dict[str, int] = {}
    for position, name in enumerate(header):
        positions.setdefault(_key(name), position)
    quantities = (
        [positions["available"]]
        if "available" in positions
        else [position for key, position in positions.items() if key not in _NOT_LOCATIONS]
    )
    if not quantities or not positions.keys() >= _IDENTIFYING:
        return None
    return InventoryColumns(
        handle=positions["handle"],
        sku=positions["sku"],
        title=positions.get("title"),
        options=[
            (positions[name], positions[value])
            for number in _OPTION_NUMBERS
            if (name := f"option{number}name") in positions
            and (value := f"option{number}value") in positions
        ],
        quantities=quantities,
    )


def read_stock(table: CsvTable, columns: InventoryColumns) -> StockFile:
    """Read the stock of each variant, summed over locations; those without stock are omitted.

    The whole file is sorted in the temporary folder first.
    """
    return StockFile(_stock_entries(table, columns), _column_names(table, columns))


def _column_names(table: CsvTable, columns: InventoryColumns) -> dict[str, str]:
    """Return the names of the columns by field."""
    names = {"slug": columns.handle, "sku": columns.sku, "stock_quantity": columns.quantities[0]}
    return {field: table.header[position] for field, position in names.items()}


def _stock_entries(table: CsvTable, columns: InventoryColumns) -> Iterator[StockEntry]:
    for group in _groups(table, columns):
        if isinstance(group, ImportEntry):
            yield StockEntry(group.line, "", None, errors=group.errors)
            continue
        handle = group[0].cells[columns.handle]
        for line, sku, options, level in _variants(group, columns):
            if level != StockLevel(None):
                yield StockEntry(
                    line, sku, level.quantity, handle, options, level.errors, level.warnings
                )


def read_products(table: CsvTable) -> ImportFile | None:
    """Read the stock as changes of products; variants without stock stay unchanged.

    Returns None if the header is not that of an inventory file.
    """
    columns = parse_header(table.header)
    if columns is None:
        return None
    return ImportFile("shopify-inventory", _entries(table, columns), _column_names(table, columns))


def _entries(table: CsvTable, columns: InventoryColumns) -> Iterator[ImportEntry]:
    for group in _groups(table, columns):
        yield group if isinstance(group, ImportEntry) else _product(group, columns)


def _product(rows: Sequence[GroupedRow], columns: InventoryColumns) -> ImportEntry:
    variants = _variants(rows, columns)
    values: dict[str, object] = {"slug": rows[0].cells[columns.handle]}
    if columns.title is not None and (title := rows[0].cells[columns.title]):
        values["name"] = title
    errors = tuple(error for variant in variants for error in variant.level.errors)
    lines: tuple[int, ...] = ()
    if any(variant.options for variant in variants):
        values["variants"] = [{"options": each.options, **_stock(each)} for each in variants]
        lines = tuple(variant.line for variant in variants)
    else:
        values |= _stock(variants[0])
    return ImportEntry(
        rows[0].line,
        None if errors else values,
        errors,
        tuple(warning for variant in variants for warning in variant.level.warnings),
        variant_lines=lines,
    )


def _stock(variant: VariantStock) -> dict[str, object]:
    values: dict[str, object] = {"sku": variant.sku} if variant.sku else {}
    if variant.level.quantity is not None:
        values |= {"stock_quantity": variant.level.quantity, "track_stock": True}
    return values


def _groups(table: CsvTable, columns: InventoryColumns) -> Iterator[list[GroupedRow] | ImportEntry]:
    """Yield the rows of each handle, after the errors of unreadable rows."""
    width = len(table.header)
    with disk_sorter.open_sorter() as rows:
        for row in table.rows():
            cells = [without_apostrophe(cell.strip()) for cell in row.cells]
            cells += [""] * (width - len(cells))
            if row.error or not cells[columns.handle]:
                yield rejected_entry(row.line, row.error or "The row has no handle: add one")
            else:
                row_groups.add_row(rows, cells[columns.handle].casefold(), row.line, cells)
        yield from row_groups.group_by_product(rows)


def _variants(rows: Sequence[GroupedRow], columns: InventoryColumns) -> list[VariantStock]:
    """Return the variants of a product's rows; the rows of a variant are its locations."""
    groups: dict[tuple[tuple[str, str], ...], list[GroupedRow]] = {}
    for row in rows:
        groups.setdefault(_options(row.cells, columns), []).append(row)
    return [
        VariantStock(
            group[0].line,
            next(filter(None, (row.cells[columns.sku] for row in group)), ""),
            dict(options),
            sum_of_locations(
                [
                    StockCell(row.line, row.cells[position])
                    for row in group
                    for position in columns.quantities
                ]
            ),
        )
        for options, group in groups.items()
    ]


def _options(cells: Sequence[str], columns: InventoryColumns) -> tuple[tuple[str, str], ...]:
    options = tuple(
        (cells[name] or f"Option{number}", cells[value])
        for number, (name, value) in enumerate(columns.options, 1)
        if cells[value]
    )
    is_default = len(options) == 1 and options[0][1].lower() == DEFAULT_TITLE
    return () if is_default else options


def _key(name: str) -> str:
    """Return the key of a column, without notes such as `(not editable)`."""
    key = column_key(name)
    for note in _NOTES:
        if name.endswith(")") and key.endswith(note):
            return key.removesuffix(note)
    return key
