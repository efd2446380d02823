"""The rows of a file brought together: variations with their product, wherever they stand."""

from collections.abc import Iterator

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import Row, Table
from eggypro_adapters.files.woocommerce.columns import Columns
from eggypro_adapters.files.woocommerce.product import product
from eggypro_adapters.files.woocommerce.rows import (
    ProductRow,
    kind_of,
    own_key,
    parent_key,
    sku_key,
)
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault


def read(table: Table, columns: Columns) -> Iterator[ImportEntry]:
    """Return each product with its variations, after the rows that cannot be read.

    The whole file is read, into the temporary folder, before the first product comes.
    """
    if columns.warnings:
        yield ImportEntry(table.line, None, warnings=columns.warnings)
    with disk_sorter.opened() as rows:
        for row in table.rows():
            wrong = row.wrong or _put(rows, columns, row)
            if wrong:
                yield ImportEntry(row.line, None, (Fault("" if row.wrong else "parent", wrong),))
        for group in row_groups.products(rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                found = [ProductRow(line, columns.named(cells)) for _, line, cells in group]
                yield product(found, columns)


def _put(rows: disk_sorter.Sorter, columns: Columns, row: Row) -> str:
    """Keep a row under the product that it belongs to. Returns why that cannot be, or nothing."""
    cells = columns.pick(row.cells)
    named = columns.named(cells)
    if kind_of(named.get("type", "")) == "variation":
        parent = parent_key(named)
        if not parent:
            return "The variation names no parent"
        row_groups.put(rows, parent, row.line, cells)
        return ""
    own = own_key(named, row.line)
    if named.get("id") and named.get("sku"):
        rows.alias(sku_key(named["sku"]), own)
    row_groups.put(rows, own, row.line, cells)
    return ""
