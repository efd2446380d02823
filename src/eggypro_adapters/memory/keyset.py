"""Keyset pagination of rows in memory."""

from collections.abc import Callable, Iterable
from operator import gt, lt
from typing import Any, TypeVar

from eggypro_core.domain.pagination import ListQuery, Page

T = TypeVar("T")
Q = TypeVar("Q", bound=ListQuery[Any, Any])
Row = TypeVar("Row")


def page_of(
    query: Q,
    rows: Iterable[Row],
    *,
    position_of: Callable[[Row], tuple[Any, int]],
    item_of: Callable[[Row], T],
    max_rows: int | None = None,
) -> Page[T, Q]:
    """Return the page of `query` from all rows of its list, in any order.

    `position_of` returns the sort key and the id of a row. At most `max_rows` rows from the start
    of this page are listed on it and the following pages.
    """
    ordered = sorted(rows, key=position_of, reverse=query.descending)
    remaining = ordered
    if query.after is not None:
        start = query.start_key()
        is_after = lt if query.descending else gt
        remaining = [row for row in ordered if is_after(position_of(row), start)]
    return Page.from_rows(
        query,
        remaining[query.offset :][:max_rows],
        total=len(ordered),
        item_of=item_of,
        key_of=lambda row: position_of(row)[0],
    )
