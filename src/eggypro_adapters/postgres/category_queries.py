"""Columns and statements of categories, and conversion from rows."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import CompiledStatement
from eggypro_adapters.postgres.product_rows import is_in_category
from eggypro_adapters.postgres.schema import categories, product_categories, products
from eggypro_core.domain.category import NO_PARENT, Category, CategoryDraft, CategoryQuery
from eggypro_core.validation.parameters import Status

ALL_CATEGORIES = sa.select(
    *(categories.c[name] for name in ("name", "slug", "description", "path", "is_active"))
).order_by(categories.c.path)
"""Select all categories, parents first, with the columns of `category_draft_from_row`."""
COLUMN_NAMES = (
    "id",
    "name",
    "slug",
    "description",
    "path",
    "is_active",
    "is_visible",
    "created_at",
)


def _product_count(of: sa.FromClause) -> sa.ScalarSelect[int]:
    """Return the number of public products in a category and its visible descendants.

    This is a subquery per row: use it on the rows of a page only.
    """
    within = categories.alias("within")
    product_id = product_categories.c.product_id
    # Few products are archived or unlisted, and an index has them: excluding those is cheaper than
    # looking up each of the others.
    is_public = sa.and_(products.c.is_active, products.c.is_listed)
    is_hidden = sa.exists().where(products.c.id == product_id, sa.not_(is_public))
    return (
        sa.select(sa.func.count(sa.distinct(product_id)))
        .select_from(within.join(product_categories))
        .where(
            is_in_category(of.c.slug, within),
            sa.or_(within.c.is_visible, within.c.id == of.c.id),
            sa.not_(is_hidden),
        )
        .correlate(of)
        .scalar_subquery()
    )


def category_columns(of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `category_from_row`, in its order."""
    return [*(of.c[name] for name in COLUMN_NAMES), _product_count(of).label("product_count")]


def category_from_row(row: Sequence[Any]) -> Category:
    """Return the category of a row of `category_columns`."""
    fields = dict(zip((*COLUMN_NAMES, "product_count"), row, strict=True))
    path = tuple(fields.pop("path"))
    return Category(**fields, path=path, parent=path[-2] if len(path) > 1 else None)


def category_draft_from_row(row: Sequence[Any]) -> CategoryDraft:
    """Return the draft of a row of ALL_CATEGORIES."""
    name, slug, description, path, is_active = row
    return CategoryDraft(
        name=name,
        slug=slug,
        description=description,
        parent=path[-2] if len(path) > 1 else None,
        is_active=is_active,
    )


_SORT_COLUMNS = (categories.c.name_key, categories.c.id)


@lru_cache(maxsize=18)  # three statuses, three kinds of parent, with and without a cursor
def _statement(status: Status, parent: str | None, *, has_cursor: bool) -> CompiledStatement:
    """Return the statement of a page: the total and the columns of `category_from_row`.

    It has one row more than the limit if there is a next page. An empty page still has one row,
    with the total and a null id.
    """
    condition = sa.and_(sa.true(), *_filters(status, parent))
    rows = sa.select(*(categories.c[name] for name in (*COLUMN_NAMES, "name_key"))).where(condition)
    page = keyset.page_rows(rows, _SORT_COLUMNS, after=has_cursor).subquery("page")
    columns = category_columns(page)
    return CompiledStatement.compile(
        keyset.with_total(keyset.total_of(categories, condition), columns, page).order_by(
            page.c.name_key, page.c.id
        )
    )


def page_statement(query: CategoryQuery) -> CompiledStatement:
    """Return the statement of a query."""
    parent = query.parent if query.parent in {None, NO_PARENT} else "any"
    return _statement(query.status, parent, has_cursor=query.after is not None)


def _filters(status: Status, parent: str | None) -> list[sa.ColumnElement[bool]]:
    parents = categories.alias("parents")
    parent_id = sa.select(parents.c.id).where(
        parents.c.slug == sa.bindparam("parent", type_=sa.Text)
    )
    conditions: list[tuple[bool, sa.ColumnElement[bool]]] = [
        (status is Status.ACTIVE, categories.c.is_visible),
        (status is Status.ARCHIVED, sa.not_(categories.c.is_visible)),
        (parent == NO_PARENT, categories.c.parent_id.is_(None)),
        (parent not in {None, NO_PARENT}, categories.c.parent_id == parent_id.scalar_subquery()),
    ]
    return [condition for applies, condition in conditions if applies]
