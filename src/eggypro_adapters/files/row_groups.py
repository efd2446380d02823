"""The rows of a file brought together by product, wherever they stand."""

import marshal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eggypro_adapters.files.disk_sorter import DiskSorter
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError

MAX_PRODUCT_BYTES = 16 * 1024 * 1024
"""Bytes of all rows of one product."""


class GroupedRow(NamedTuple):
    """A row of a product: its number among all rows, its line, and its cells."""

    number: int
    line: int
    cells: Sequence[str]


def add_row(rows: DiskSorter, key: str, line: int, cells: list[str]) -> None:
    """Keep a row of a product."""
    rows.add(key, line, marshal.dumps(cells))


def group_by_product(rows: DiskSorter) -> Iterator[list[GroupedRow] | ImportEntry]:
    """Return the rows of each product, or the refusal of one that has too much of them."""
    for group in rows.groups():
        yield _rows(group)


def _rows(group: Iterator[tuple[int, int, int, bytes]]) -> list[GroupedRow] | ImportEntry:
    rows: list[GroupedRow] = []
    size = 0
    for _, number, line, row in group:
        size += len(row)
        if size > MAX_PRODUCT_BYTES:
            wrong = f"The rows of this product hold more than {MAX_PRODUCT_BYTES:,} bytes"
            return ImportEntry(rows[0].line if rows else line, None, (FieldError("", wrong),))
        cells = marshal.loads(row)  # noqa: S302 - written a moment ago, by this very process
        rows.append(GroupedRow(number, line, cells))
    return rows
