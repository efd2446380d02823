"""Pages of rows that are held in memory."""

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
    place: Callable[[Row], tuple[Any, int]],
    item_of: Callable[[Row], T],
    most: int | None = None,
) -> Page[T, Q]:
    """Return the page of a query from all rows of its list, in any order.

    `place` returns the sort key and the id of a row. No page goes on after `most` rows, counted
    from the start of this one.
    """
    ordered = sorted(rows, key=place, reverse=query.descending)
    remaining = ordered
    if query.after is not None:
        start = query.start_key()
        is_after = lt if query.descending else gt
        remaining = [row for row in ordered if is_after(place(row), start)]
    return Page.of(
        query,
        remaining[query.offset :][:most],
        total=len(ordered),
        item_of=item_of,
        key_of=lambda row: place(row)[0],
    )
