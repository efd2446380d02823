"""Keyset pagination: rows, order and total of a page."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_core.domain.pagination import MAX_EXACT_TOTAL, ListQuery

CAPPED_TOTAL: sa.ColumnElement[int] = sa.literal_column(str(MAX_EXACT_TOTAL + 1), sa.Integer)
"""The total of a list with more than MAX_EXACT_TOTAL rows."""
_ONE_ROW = sa.select(sa.literal_column("1").label("one")).subquery()


def page_values(query: ListQuery[Any, Any]) -> dict[str, object]:
    """Return the parameters of the `page_rows` of a query."""
    values: dict[str, object] = {"row_limit": query.limit + 1, "row_offset": query.offset}
    if query.after is not None:
        values["after_key"], values["after_id"] = query.start_key()
    return values


def page_rows(
    rows: sa.Select[Any],
    position: Sequence[sa.ColumnElement[Any]],
    *,
    after: bool,
    descending: bool = False,
    max_rows: int | None = None,
) -> sa.Select[Any]:
    """Return the rows of a page in order, and one more if there is a next page.

    `position` is a sort key and an id. With `after`, the page starts after the cursor's position.
    With `max_rows`, the page has no offset and at most that many rows. Postgres then plans the
    statement once; a limit that is only a parameter makes it plan each time.
    """
    if after:
        rows = rows.where(is_after(position, descending=descending))
    rows = rows.order_by(*in_order(position, descending=descending))
    row_limit = sa.bindparam("row_limit", type_=sa.Integer)
    if max_rows is not None:
        return sa.select(rows.limit(sa.literal_column(str(max_rows))).subquery()).limit(row_limit)
    return rows.limit(row_limit).offset(sa.bindparam("row_offset", type_=sa.Integer))


def is_after(
    position: Sequence[sa.ColumnElement[Any]], *, descending: bool = False
) -> sa.ColumnElement[bool]:
    """Return the condition that a row comes after the cursor's position."""
    types = [column.type for column in position]
    start = sa.tuple_(*map(sa.bindparam, ("after_key", "after_id"), [None, None], types))
    row = sa.tuple_(*position)
    return row < start if descending else row > start


def in_order(
    position: Sequence[sa.ColumnElement[Any]], *, descending: bool = False
) -> list[sa.ColumnElement[Any]]:
    """Return the ORDER BY terms of a position."""
    return [column.desc() if descending else column for column in position]


def total_of(
    rows: sa.FromClause, *conditions: sa.ColumnElement[bool], within: sa.FromClause | None = None
) -> sa.Select[Any]:
    """Return a statement that counts matching rows, up to MAX_EXACT_TOTAL + 1.

    `within` is a table of the enclosing statement.
    """
    matches: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(rows).where(*conditions)
    capped = matches.limit(CAPPED_TOTAL).correlate(within).subquery()
    return sa.select(sa.func.count().label("total")).select_from(capped)


def with_total(
    total: sa.Select[Any], columns: Sequence[sa.ColumnElement[Any]], page: sa.Subquery
) -> sa.Select[Any]:
    """Return a statement of the total and the columns of a page.

    An empty page still has one row, with the total and nulls.
    """
    joined = _ONE_ROW.outerjoin(page, sa.true())
    return sa.select(total.scalar_subquery().label("total"), *columns).select_from(joined)
