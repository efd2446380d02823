"""Categories as rows: which columns carry one, and the way back."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.rows import is_within
from eggypro_adapters.postgres.tables import categories, product_categories, products
from eggypro_core.categories import Category, CategoryDraft

EVERY = sa.select(
    *(categories.c[name] for name in ("name", "slug", "description", "path", "is_active"))
).order_by(categories.c.path)
"""Every category, each behind its parent: the columns of `draft_of`, in its order."""
OWN = ("id", "name", "slug", "description", "path", "is_active", "is_visible", "created_at")


def _count(of: sa.FromClause) -> sa.ScalarSelect[int]:
    """Return how many active products are in a category, or in what is visible below it.

    It is a query for each row, so let it see no more rows than are shown.
    """
    within = categories.alias("within")
    product_id = product_categories.c.product_id
    # Few products are archived, and an index knows them: to look for one costs less than to look
    # up each that is not.
    is_archived = sa.exists().where(products.c.id == product_id, sa.not_(products.c.is_active))
    return (
        sa.select(sa.func.count(sa.distinct(product_id)))
        .select_from(within.join(product_categories))
        .where(
            is_within(of.c.slug, within),
            sa.or_(within.c.is_visible, within.c.id == of.c.id),
            sa.not_(is_archived),
        )
        .correlate(of)
        .scalar_subquery()
    )


def category_columns(of: sa.FromClause) -> list[sa.ColumnElement[Any]]:
    """Return the columns of `category_of`, in its order."""
    return [*(of.c[name] for name in OWN), _count(of).label("product_count")]


def category_of(row: Sequence[Any]) -> Category:
    """Return what a row of `category_columns` says."""
    fields = dict(zip((*OWN, "product_count"), row, strict=True))
    path = tuple(fields.pop("path"))
    return Category(**fields, path=path, parent=path[-2] if len(path) > 1 else None)


def draft_of(row: Sequence[Any]) -> CategoryDraft:
    """Return what a row of EVERY says."""
    name, slug, description, path, is_active = row
    return CategoryDraft(
        name=name,
        slug=slug,
        description=description,
        parent=path[-2] if len(path) > 1 else None,
        is_active=is_active,
    )
