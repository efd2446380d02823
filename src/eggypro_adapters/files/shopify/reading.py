"""Read the products of Shopify's CSV."""

from collections.abc import Iterator, Mapping

from eggypro_adapters.files import disk_sorter, row_groups
from eggypro_adapters.files.csv_table import CsvRow, CsvTable
from eggypro_adapters.files.shopify.columns import ShopifyColumns
from eggypro_adapters.files.shopify.product import parse_product
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.slug import free_slug, slugify
from eggypro_core.errors import FieldError


def read(table: CsvTable, columns: ShopifyColumns) -> Iterator[ImportEntry]:
    """Yield the product of each handle, preceded by the errors of unreadable rows.

    The whole file is sorted in the temporary folder before the first product is yielded.
    """
    if columns.warnings:
        yield ImportEntry(table.header_line, None, warnings=columns.warnings)
    with disk_sorter.open_sorter() as sorted_rows:
        handle = columns.names.index("handle")
        for row in table.rows():
            cells = columns.pick(row.cells)
            cells[handle] = cells[handle] or _default_handle(columns.by_name(cells))
            if row.error or not cells[handle]:
                yield _rejected_row(row)
            else:
                row_groups.add_row(sorted_rows, cells[handle].lower(), row.line, cells)
        for group in row_groups.group_by_product(sorted_rows):
            if isinstance(group, ImportEntry):
                yield group
            else:
                rows = [
                    ShopifyRow(number, line, columns.by_name(cells))
                    for number, line, cells in group
                ]
                yield parse_product(rows, columns.attributes)


def _default_handle(cells: Mapping[str, str]) -> str:
    """Return the handle made from the title, as Shopify does, or "" if there is no title."""
    title = cells.get("title", "")
    return free_slug(slugify(title), ()) if title else ""


def _rejected_row(row: CsvRow) -> ImportEntry:
    if row.error:
        return ImportEntry(row.line, None, (FieldError("", row.error),))
    return ImportEntry(
        row.line, None, (FieldError("slug", "The row has neither a handle nor a title: add one"),)
    )
