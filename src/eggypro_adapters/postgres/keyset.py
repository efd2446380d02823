"""What the statements of all pages share: their rows, their order and their total."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_core.domain.pagination import MAX_EXACT_TOTAL, ListQuery

_ONE = sa.select(sa.literal_column("1").label("one")).subquery()


def page_values(query: ListQuery[Any, Any]) -> dict[str, object]:
    """Return the parameters of the `page_rows` of a query."""
    values: dict[str, object] = {"row_limit": query.limit + 1, "row_offset": query.offset}
    if query.after is not None:
        values["after_key"], values["after_id"] = query.start_key()
    return values


def page_rows(
    rows: sa.Select[Any],
    place: Sequence[sa.ColumnElement[Any]],
    *,
    after: bool,
    descending: bool = False,
) -> sa.Select[Any]:
    """Return the rows of a page in order, and one more if another page follows.

    A place is a sort key and an id. With `after`, the rows lie after a given one.
    """
    if after:
        types = [column.type for column in place]
        names = ("after_key", "after_id")
        start = sa.tuple_(*map(sa.bindparam, names, [None, None], types))
        rows = rows.where(sa.tuple_(*place) < start if descending else sa.tuple_(*place) > start)
    return (
        rows.order_by(*in_order(place, descending=descending))
        .limit(sa.bindparam("row_limit", type_=sa.Integer))
        .offset(sa.bindparam("row_offset", type_=sa.Integer))
    )


def in_order(
    place: Sequence[sa.ColumnElement[Any]], *, descending: bool = False
) -> list[sa.ColumnElement[Any]]:
    """Return how rows are ordered by a place, for ORDER BY."""
    return [column.desc() if descending else column for column in place]


def total_of(
    rows: sa.FromClause, *matching: sa.ColumnElement[bool], within: sa.FromClause | None = None
) -> sa.Select[Any]:
    """Return the statement that counts matching rows, but no more than needed to cap the total.

    `within` is a table of the statement around it.
    """
    counted: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows).where(*matching)
    capped = counted.limit(MAX_EXACT_TOTAL + 1).correlate(within).subquery()
    return sa.select(sa.func.count().label("total")).select_from(capped)


def with_total(
    total: sa.Select[Any], columns: Sequence[sa.ColumnElement[Any]], shown: sa.Subquery
) -> sa.Select[Any]:
    """Return the total and columns of the shown rows.

    Where there are none, one row still has the total, and its other columns are null.
    """
    joined = _ONE.outerjoin(shown, sa.true())
    return sa.select(total.scalar_subquery().label("total"), *columns).select_from(joined)
