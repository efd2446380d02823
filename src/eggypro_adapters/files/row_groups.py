"""Group the rows of a file by product, wherever they are in the file."""

import marshal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eggypro_adapters.files.disk_sorter import DiskSorter
from eggypro_adapters.files.row_messages import rejected_entry
from eggypro_core.domain.product_files import ImportEntry

MAX_PRODUCT_BYTES = 16 * 1024 * 1024
"""Bytes of all rows of one product together."""


class GroupedRow(NamedTuple):
    """A row of a product: its number in the file, its line, and its cells."""

    number: int
    line: int
    cells: Sequence[str]


def add_row(rows: DiskSorter, key: str, line: int, cells: list[str]) -> None:
    """Add a row of the product `key`."""
    rows.add(key, line, marshal.dumps(cells))


def group_by_product(rows: DiskSorter) -> Iterator[list[GroupedRow] | ImportEntry]:
    """Yield the rows of each product, or an error if they exceed MAX_PRODUCT_BYTES."""
    for group in rows.groups():
        yield _rows(group)


def _rows(group: Iterator[tuple[int, int, int, bytes]]) -> list[GroupedRow] | ImportEntry:
    rows: list[GroupedRow] = []
    size = 0
    for _, number, line, content in group:
        size += len(content)
        if size > MAX_PRODUCT_BYTES:
            message = f"The rows of this product have more than {MAX_PRODUCT_BYTES:,} bytes"
            first = rows[0].line if rows else line
            return rejected_entry(first, message)
        cells = marshal.loads(content)  # noqa: S302 - written by this process
        rows.append(GroupedRow(number, line, cells))
    return rows
