"""The rows of a file brought together: variations with their product, wherever they stand."""

from collections.abc import Iterator

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import CsvRow, CsvTable
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns
from eggypro_adapters.files.woocommerce.product import parse_product
from eggypro_adapters.files.woocommerce.rows import (
    WooCommerceRow,
    parent_key,
    parse_kind,
    product_key,
    sku_key,
)
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError


def read(table: CsvTable, columns: WooCommerceColumns) -> Iterator[ImportEntry]:
    """Return each product with its variations, after the rows that cannot be read.

    The whole file is read, into the temporary folder, before the first product comes.
    """
    if columns.warnings:
        yield ImportEntry(table.header_line, None, warnings=columns.warnings)
    with disk_sorter.open_sorter() as rows:
        for row in table.rows():
            wrong = row.error or _add_row(rows, columns, row)
            if wrong:
                yield ImportEntry(
                    row.line, None, (FieldError("" if row.error else "parent", wrong),)
                )
        for group in row_groups.group_by_product(rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                found = [WooCommerceRow(line, columns.by_name(cells)) for _, line, cells in group]
                yield parse_product(found, columns)


def _add_row(rows: disk_sorter.DiskSorter, columns: WooCommerceColumns, row: CsvRow) -> str:
    """Keep a row under the product that it belongs to. Returns why that cannot be, or nothing."""
    cells = columns.pick(row.cells)
    named = columns.by_name(cells)
    if parse_kind(named.get("type", "")) == "variation":
        parent = parent_key(named)
        if not parent:
            return "The variation names no parent"
        row_groups.add_row(rows, parent, row.line, cells)
        return ""
    own = product_key(named, row.line)
    if named.get("id") and named.get("sku"):
        rows.add_alias(sku_key(named["sku"]), own)
    row_groups.add_row(rows, own, row.line, cells)
    return ""
