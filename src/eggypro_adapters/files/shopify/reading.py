"""Read the products of Shopify's CSV."""

from collections.abc import Iterator, Mapping

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_adapters.files.shopify.columns import ShopifyColumns
from eggypro_adapters.files.shopify.export import exported_values
from eggypro_adapters.files.shopify.product import parse_product
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry, ImportFile
from eggypro_core.domain.slug import free_slug, slugify


def read_table(table: CsvTable, columns: ShopifyColumns) -> ImportFile:
    """Read the products of a table with Shopify's header: see `read`."""
    return ImportFile("shopify", read(table, columns), columns.by_field, exported_values)


def read(table: CsvTable, columns: ShopifyColumns) -> Iterator[ImportEntry]:
    """Yield the product of each handle, after the errors of unreadable rows.

    The whole file is sorted in the temporary folder before the first product is yielded.
    """
    unused = UnusedColumns()
    with disk_sorter.open_sorter() as sorted_rows:
        handle = columns.names.index("handle")
        for row in table.rows():
            if row.cells == table.header:
                continue  # files that were joined repeat the header
            cells = [] if row.error else columns.pick(row.cells, row.line, unused)
            key = cells and (cells[handle] or _default_handle(columns.by_name(cells)))
            if key:
                row_groups.add_row(sorted_rows, key.casefold(), row.line, cells)
            else:
                yield _rejected_row(row)
        for group in row_groups.group_by_product(sorted_rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [
                    ShopifyRow(number, line, columns.by_name(cells), table.decimal_comma)
                    for number, line, cells in group
                ]
                yield parse_product(rows, columns, unused)
    yield from unused.entries(table.header_line)


def _default_handle(cells: Mapping[str, str]) -> str:
    """Return the handle made from the title, as Shopify does, or "" if there is no title."""
    title = cells.get("title", "")
    return free_slug(slugify(title), ()) if title else ""


def _rejected_row(row: CsvRow) -> ImportEntry:
    message = row.error or "The row has neither a handle nor a title: add one"
    field = "" if row.error else "slug"
    return rejected_entry(row.line, message, field)
