"""Read the products of WooCommerce's CSV."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.woocommerce.columns import WooCommerceColumns, parse_header
from eggypro_adapters.files.woocommerce.export import exported_values
from eggypro_adapters.files.woocommerce.row_groups import parse_group
from eggypro_adapters.files.woocommerce.rows import (
    VARIATION,
    WooCommerceRow,
    parent_key,
    parse_kind,
    product_key,
    sku_key,
)
from eggypro_adapters.files.woocommerce.unused_cells import UnusedCells
from eggypro_core.domain.product_files import ImportEntry, ImportFile


def read_table(table: CsvTable, today: date | None = None) -> ImportFile | None:
    """Read the products of a table, or return None if its header does not identify products.

    `today` decides whether a sale lasts; the default is the date in UTC.
    """
    table.merge_repeated_columns()
    columns = parse_header(table.header, decimal_comma=table.decimal_comma)
    if columns is None:
        return None
    entries = _entries(table, columns, today or datetime.now(UTC).date())
    return ImportFile("woocommerce", entries, columns.fields, exported_values)


def _entries(table: CsvTable, columns: WooCommerceColumns, today: date) -> Iterator[ImportEntry]:
    """Yield each product with its variations, then warnings about columns that are not used.

    Errors of unreadable rows come first. The whole file is sorted in the temporary folder before
    the first product is yielded.
    """
    unused = UnusedCells()
    with disk_sorter.open_sorter() as sorted_rows:
        for row in table.rows():
            message = row.error or _add_row(sorted_rows, columns, row, unused)
            if message:
                field = "" if row.error else "parent"
                yield rejected_entry(
                    row.line, message, field, column=columns.headers.get(field, "")
                )
        for group in row_groups.group_by_product(sorted_rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [WooCommerceRow(line, columns.by_name(cells)) for _, line, cells in group]
                yield from parse_group(rows, columns, unused, today)
    yield from unused.entries(table.header_line)


def _add_row(
    sorted_rows: disk_sorter.DiskSorter,
    columns: WooCommerceColumns,
    row: CsvRow,
    unused: UnusedCells,
) -> str:
    """Add a row to the group of its product. Returns an error message, or "" on success."""
    cells = columns.pick(row.cells)
    by_name = columns.by_name(cells)
    for name, text in columns.unused_cells(row.cells):
        unused.of_rows.add(name, text, row.line)
    if parse_kind(by_name) == VARIATION:
        for name, text in columns.unused_of_variation(by_name):
            unused.of_variations.add(name, text, row.line)
        parent = parent_key(by_name)
        if not parent:
            return "The variation has no Parent: add its product's SKU or id:123"
        row_groups.add_row(sorted_rows, parent, row.line, cells)
        return ""
    for name, text in columns.templates(by_name):
        unused.of_rows.add(name, text, row.line)
    key = product_key(by_name, row.line)
    if by_name.get("id") and by_name.get("sku"):
        sorted_rows.add_alias(sku_key(by_name["sku"]), key)
    row_groups.add_row(sorted_rows, key, row.line, cells)
    return ""
