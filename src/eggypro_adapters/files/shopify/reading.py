"""The rows of a file brought together: each product from its rows, wherever they stand."""

from collections.abc import Iterator, Mapping

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import Row, Table
from eggypro_adapters.files.shopify.columns import Columns
from eggypro_adapters.files.shopify.product import product
from eggypro_adapters.files.shopify.rows import ProductRow
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.slug import free_slug, slug_of
from eggypro_core.errors import Fault


def read(table: Table, columns: Columns) -> Iterator[ImportEntry]:
    """Return the product of each handle, after the rows that cannot be read.

    The whole file is read, into the temporary folder, before the first product comes.
    """
    if columns.warnings:
        yield ImportEntry(table.line, None, warnings=columns.warnings)
    with disk_sorter.opened() as sorted_rows:
        handle = columns.names.index("handle")
        for row in table.rows():
            cells = columns.pick(row.cells)
            cells[handle] = cells[handle] or _made_handle(columns.named(cells))
            if row.wrong or not cells[handle]:
                yield _refused(row)
            else:
                row_groups.put(sorted_rows, cells[handle].lower(), row.line, cells)
        for group in row_groups.products(sorted_rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [ProductRow(n, line, columns.named(cells)) for n, line, cells in group]
                yield product(rows, columns.attributes)


def _made_handle(cells: Mapping[str, str]) -> str:
    """Return the handle that Shopify makes where there is none: that of the title, if any."""
    title = cells.get("title", "")
    return free_slug(slug_of(title), ()) if title else ""


def _refused(row: Row) -> ImportEntry:
    if row.wrong:
        return ImportEntry(row.line, None, (Fault("", row.wrong),))
    return ImportEntry(row.line, None, (Fault("slug", "The row has neither handle nor title"),))
