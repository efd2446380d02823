"""Read the products of WooCommerce's CSV."""

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
    """Yield each product with its variations, preceded by the errors of unreadable rows.

    The whole file is sorted in the temporary folder before the first product is yielded.
    """
    if columns.warnings:
        yield ImportEntry(table.header_line, None, warnings=columns.warnings)
    with disk_sorter.open_sorter() as sorted_rows:
        for row in table.rows():
            message = row.error or _add_row(sorted_rows, columns, row)
            if message:
                yield ImportEntry(
                    row.line, None, (FieldError("" if row.error else "parent", message),)
                )
        for group in row_groups.group_by_product(sorted_rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [WooCommerceRow(line, columns.by_name(cells)) for _, line, cells in group]
                yield parse_product(rows, columns)


def _add_row(sorted_rows: disk_sorter.DiskSorter, columns: WooCommerceColumns, row: CsvRow) -> str:
    """Add a row to the group of its product. Returns an error message, or "" on success."""
    cells = columns.pick(row.cells)
    by_name = columns.by_name(cells)
    if parse_kind(by_name.get("type", "")) == "variation":
        parent = parent_key(by_name)
        if not parent:
            return "The variation has no Parent: add its product's SKU or id:123"
        row_groups.add_row(sorted_rows, parent, row.line, cells)
        return ""
    key = product_key(by_name, row.line)
    if by_name.get("id") and by_name.get("sku"):
        sorted_rows.add_alias(sku_key(by_name["sku"]), key)
    row_groups.add_row(sorted_rows, key, row.line, cells)
    return ""
