"""The rows of a file brought together by product, wherever they stand."""

import marshal
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eggypro_adapters.files.disk_sorter import Sorter
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault

LARGEST_PRODUCT = 16 * 1024 * 1024
"""Bytes of all rows of one product."""


class GroupedRow(NamedTuple):
    """A row of a product: its number among all rows, its line, and its cells."""

    number: int
    line: int
    cells: Sequence[str]


def put(rows: Sorter, key: str, line: int, cells: list[str]) -> None:
    """Keep a row of a product."""
    rows.put(key, line, marshal.dumps(cells))


def products(rows: Sorter) -> Iterator[list[GroupedRow] | ImportEntry]:
    """Return the rows of each product, or the refusal of one that has too much of them."""
    for group in rows.groups():
        yield _rows(group)


def _rows(group: Iterator[tuple[int, int, int, bytes]]) -> list[GroupedRow] | ImportEntry:
    rows: list[GroupedRow] = []
    size = 0
    for _, number, line, row in group:
        size += len(row)
        if size > LARGEST_PRODUCT:
            wrong = f"The rows of this product hold more than {LARGEST_PRODUCT:,} bytes"
            return ImportEntry(rows[0].line if rows else line, None, (Fault("", wrong),))
        cells = marshal.loads(row)  # noqa: S302 - written a moment ago, by this very process
        rows.append(GroupedRow(number, line, cells))
    return rows
