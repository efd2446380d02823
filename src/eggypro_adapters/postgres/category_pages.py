"""The statement behind a page of categories, in one round trip."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.category_rows import OWN, category_columns
from eggypro_adapters.postgres.engine import Statement
from eggypro_adapters.postgres.tables import categories
from eggypro_core.categories import ROOTS, CategoryQuery
from eggypro_core.paging import COUNTED
from eggypro_core.parameters import Status

_place = (categories.c.name_key, categories.c.id)


@lru_cache(maxsize=18)  # three states, three kinds of parent, at the front or behind a place
def _statement(status: Status, parent: str | None, *, after: bool) -> Statement:
    """Return the statement of a page: rows of the total and what `category_of` takes.

    There is one row more than the limit if another page follows. Where there is none to show, one
    row still tells the total, and its id is null.
    """
    matching = sa.and_(sa.true(), *_filters(status, parent))
    counted: sa.Select[Any] = (
        sa.select(sa.literal_column("1")).select_from(categories).where(matching)
    )
    total = sa.select(sa.func.count()).select_from(counted.limit(COUNTED + 1).subquery())
    found = sa.select(*(categories.c[name] for name in (*OWN, "name_key"))).where(matching)
    if after:
        place = sa.tuple_(
            sa.bindparam("after_key", type_=sa.Text), sa.bindparam("after_id", type_=sa.BigInteger)
        )
        found = found.where(sa.tuple_(*_place) > place)
    shown = (
        found.order_by(*_place)
        .limit(sa.bindparam("one_more", type_=sa.Integer))
        .offset(sa.bindparam("skipped", type_=sa.Integer))
        .subquery("shown")
    )
    one = sa.select(sa.literal_column("1").label("one")).subquery()
    return Statement.of(
        sa.select(total.scalar_subquery().label("total"), *category_columns(shown))
        .select_from(one.outerjoin(shown, sa.true()))
        .order_by(shown.c.name_key, shown.c.id)
    )


def page_statement(query: CategoryQuery) -> Statement:
    """Return the statement of a query."""
    parent = query.parent if query.parent in {None, ROOTS} else "one"
    return _statement(query.status, parent, after=query.after is not None)


def page_values(query: CategoryQuery) -> Mapping[str, object]:
    """Return the parameters of the statement of a query."""
    values: dict[str, object] = {
        "parent": query.parent,
        "one_more": query.limit + 1,
        "skipped": query.offset,
    }
    if query.after is not None:
        values |= {"after_key": query.after.key, "after_id": query.after.id}
    return values


def _filters(status: Status, parent: str | None) -> list[sa.ColumnElement[bool]]:
    named = categories.alias("named")
    its_id = sa.select(named.c.id).where(named.c.slug == sa.bindparam("parent", type_=sa.Text))
    wanted: list[tuple[bool, sa.ColumnElement[bool]]] = [
        (status is Status.ACTIVE, categories.c.is_visible),
        (status is Status.ARCHIVED, sa.not_(categories.c.is_visible)),
        (parent == ROOTS, categories.c.parent_id.is_(None)),
        (parent not in {None, ROOTS}, categories.c.parent_id == its_id.scalar_subquery()),
    ]
    return [condition for is_wanted, condition in wanted if is_wanted]
