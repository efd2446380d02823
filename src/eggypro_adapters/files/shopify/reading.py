"""The rows of a file brought together: each product from its rows, wherever they stand."""

import marshal
from collections.abc import Iterator

from eggypro_adapters.files import sorter
from eggypro_adapters.files.shopify.columns import Columns
from eggypro_adapters.files.shopify.product import product
from eggypro_adapters.files.shopify.rows import ProductRow
from eggypro_adapters.files.table import Row, Table
from eggypro_core.errors import Fault
from eggypro_core.imports import ImportEntry

LARGEST_PRODUCT = 16 * 1024 * 1024
"""Bytes of all rows of one product."""


def read(table: Table, columns: Columns) -> Iterator[ImportEntry]:
    """Return the product of each handle, after the rows that cannot be read.

    The whole file is read, into the temporary folder, before the first product comes.
    """
    if columns.warnings:
        yield ImportEntry(table.line, None, warnings=columns.warnings)
    with sorter.opened() as sorted_rows:
        handle = columns.names.index("handle")
        for row in table.rows():
            cells = columns.pick(row.cells)
            if row.wrong or not cells[handle]:
                yield _refused(row)
            else:
                sorted_rows.put(cells[handle].lower(), row.line, marshal.dumps(cells))
        for group in sorted_rows.groups():
            yield _product(group, columns)


def _refused(row: Row) -> ImportEntry:
    if row.wrong:
        return ImportEntry(row.line, None, (Fault("", row.wrong),))
    return ImportEntry(row.line, None, (Fault("slug", "The row has no handle"),))


def _product(group: Iterator[tuple[int, int, int, bytes]], columns: Columns) -> ImportEntry:
    rows: list[ProductRow] = []
    size = 0
    for _, number, line, row in group:
        size += len(row)
        if size > LARGEST_PRODUCT:
            wrong = f"The rows of this product hold more than {LARGEST_PRODUCT:,} bytes"
            return ImportEntry(rows[0].line if rows else line, None, (Fault("", wrong),))
        cells = marshal.loads(row)  # noqa: S302 - written a moment ago, by this very process
        rows.append(ProductRow(number, line, columns.named(cells)))
    return product(rows, columns.attributes)
