"""Read stock quantities from Shopify's inventory file, or any table with SKUs and quantities."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from attrs import frozen

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import CsvTable, column_key, quote_names
from eggypro_adapters.files.row_groups import GroupedRow
from eggypro_adapters.files.shopify.columns import without_apostrophe
from eggypro_adapters.files.stock import shopify_inventory
from eggypro_adapters.files.stock.levels import StockCell, has_quantity, sum_of_locations
from eggypro_adapters.files.table_opening import open_table
from eggypro_core.domain.product_files import ImportEntry, ImportMessage, StockEntry, StockFile
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

_MAX_NAMED_COLUMNS = 20
_SKU_NAMES = (
    *("SKU", "Variant SKU", "Item code", "Item number", "Item no", "Article number", "Article"),
    *("Product code", "Part number", "MPN", "Artikelnummer", "Artikelnr", "Art-Nr", "Artikel-Nr"),
    *("Artikel", "Référence", "Réf", "Code article", "Código", "Referencia", "Codice", "Cód"),
    *("Codice articolo", "Artikelcode", "Referência", "Artikkelnummer", "Varenummer"),
)
_QUANTITY_NAMES = (
    *("Available", "Stock quantity", "Variant Inventory Qty", "Inventory quantity", "Quantity"),
    *("Qty", "Stock", "Stock level", "In stock", "On hand", "Quantity on hand", "Qty on hand"),
    *("Inventory", "Verfügbar", "Lagerbestand", "Bestand", "Lager", "Menge", "Anzahl", "Quantité"),
    *("Cantidad", "Existencias", "Quantità", "Giacenza", "Quantidade", "Estoque", "Voorraad"),
    *("Aantal", "Lagersaldo", "Lagerantal", "Antal", "Beholdning"),
)
_LOCATION_NAMES = (
    *("Location", "Warehouse", "Store", "Standort", "Lagerort", "Lager", "Filiale", "Emplacement"),
    *("Entrepôt", "Almacén", "Magazzino", "Magazijn", "Armazém", "Lagerplats"),
)


@frozen
class _Columns:
    """The positions of the columns in a row."""

    sku: int
    quantity: int
    location: int | None


def read_stock(stream: BinaryIO) -> StockFile:
    """Read the stock quantities of a file lazily, in the order of the file.

    The file is text, a workbook (.xlsx), or one of them in a .gz or .zip file. Rows without a
    quantity are omitted. Raises ParseError immediately if the file has no columns of SKU and
    quantity; iterating raises StorageFullError if the temporary folder has no room.
    """
    table = open_table(stream, _is_header)
    if shopify_inventory.matches_header(table.header):
        inventory = shopify_inventory.parse_header(table.header)
        if inventory is not None:
            return shopify_inventory.read_stock(table, inventory)
    sku = _position(table.header, _SKU_NAMES)
    quantity = _position(table.header, _QUANTITY_NAMES)
    if sku is None or quantity is None:
        raise ParseError(_missing_columns(table.header))
    location = _position(table.header, _LOCATION_NAMES)
    columns = _Columns(sku, quantity, None if location == quantity else location)
    names = {"sku": table.header[sku], "stock_quantity": table.header[quantity]}
    return StockFile(_read(table, columns), names)


def _is_header(header: Sequence[str]) -> bool:
    names = (_SKU_NAMES, _QUANTITY_NAMES)
    return shopify_inventory.matches_header(header) or all(
        _position(header, some) is not None for some in names
    )


def _position(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Return the position of the first of the names that a header has."""
    keys = [column_key(name) for name in header]
    return next((keys.index(key) for key in map(column_key, names) if key in keys), None)


def _missing_columns(header: Sequence[str]) -> str:
    return (
        "The file has no column with SKUs or none with quantities: found "
        f"{quote_names(header, _MAX_NAMED_COLUMNS)}; name them SKU and Quantity"
    )


def _read(table: CsvTable, columns: _Columns) -> Iterator[StockEntry]:
    with disk_sorter.open_sorter() as rows:
        for row in table.rows():
            cells = [
                ""
                if position is None or position >= len(row.cells)
                else without_apostrophe(row.cells[position].strip())
                for position in (columns.sku, columns.quantity, columns.location)
            ]
            sku, quantity, _ = cells
            if row.error:
                yield _error(row.line, ImportMessage(row.line, "", row.error))
            elif has_quantity(quantity) and not sku:
                yield StockEntry(row.line, "", None, warnings=(_no_sku(row.line, quantity),))
            elif has_quantity(quantity):
                row_groups.add_row(rows, sku, row.line, cells)
        for group in row_groups.group_by_product(rows):
            if isinstance(group, ImportEntry):
                yield StockEntry(group.line, "", None, errors=group.errors)
            else:
                yield _entry(group, decimal_comma=table.decimal_comma)


def _entry(rows: Sequence[GroupedRow], *, decimal_comma: bool) -> StockEntry:
    """Return the stock of a SKU: the sum over locations. Rows of one location must not differ."""
    first = rows[0]
    sku = first.cells[0]
    by_location: dict[str, GroupedRow] = {}
    repeated = []
    for row in rows:
        same = by_location.setdefault(row.cells[2].casefold(), row)
        if same.cells[1] != row.cells[1]:
            message = (
                f"Lines {same.line} and {row.line} have different quantities of "
                f"'{escape_control(sku)}': keep one of them"
            )
            return _error(row.line, ImportMessage(row.line, "sku", message, value=sku))
        if same is not row:
            message = f"Skipped: the row repeats line {same.line}"
            repeated.append(ImportMessage(row.line, "sku", message, value=sku))
    level = sum_of_locations(
        [StockCell(row.line, row.cells[1], decimal_comma) for row in by_location.values()]
    )
    return StockEntry(
        first.line,
        sku,
        level.quantity,
        errors=level.errors,
        warnings=(*repeated, *level.warnings),
    )


def _no_sku(line: int, quantity: str) -> ImportMessage:
    message = f"Skipped: the quantity {escape_control(quantity)} has no SKU"
    return ImportMessage(line, "sku", message, value=escape_control(quantity))


def _error(line: int, error: ImportMessage) -> StockEntry:
    return StockEntry(line, "", None, errors=(error,))
