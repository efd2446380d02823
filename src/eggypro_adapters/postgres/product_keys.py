"""Slugs, former slugs and SKUs: lookups and conflicts."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.schema import products, skus, slug_aliases
from eggypro_core.domain.product import (
    product_absent,
    sku_taken,
)
from eggypro_core.domain.slug import free_slug, slug_conflict
from eggypro_core.errors import MovedError, NotFoundError

_LONG = 240
_slug = sa.bindparam("slug", type_=sa.Text)
_ALIAS = sa.select(products.c.slug).join(slug_aliases).where(slug_aliases.c.slug == _slug)
_FIND_ALIAS = Statement.of(_ALIAS)


def absent(database: Database, slug: str) -> NotFoundError | MovedError:
    """Return why there is no product at a slug: it never was, or is elsewhere now."""
    return _absent(slug, database.read(_FIND_ALIAS, {"slug": slug}))


def absent_in(connection: sa.Connection, slug: str) -> NotFoundError | MovedError:
    """Return the same, within a transaction."""
    return _absent(slug, connection.execute(_ALIAS, {"slug": slug}).all())


def _refuse_slug(connection: sa.Connection, slug: str) -> None:
    """Raise ConflictError if a product has the slug."""
    is_active = connection.scalar(sa.select(products.c.is_active).where(products.c.slug == slug))
    if is_active is not None:
        raise slug_conflict(slug, "product", is_active=is_active)


def refuse_sku(connection: sa.Connection, sku: str | None) -> None:
    """Raise ConflictError if a product or a variant has the SKU."""
    if sku is None:
        return
    holder = sa.select(products.c.slug).join(skus).where(skus.c.sku == sku)
    slug = connection.scalar(holder)
    if slug is not None:
        raise sku_taken(sku, slug)


def _free_slug(connection: sa.Connection, wanted: str) -> str:
    """Return the first of a slug and its numbered forms that nobody has, nor had."""
    # A long one loses letters to its number. No slug has a character that LIKE takes for more than
    # itself.
    numbered = f"{wanted}-%" if len(wanted) < _LONG else f"{wanted[:80]}%"
    slugs = [
        sa.select(column).where(sa.or_(column == wanted, column.like(numbered)))
        for column in (products.c.slug, slug_aliases.c.slug)
    ]
    return free_slug(wanted, set(connection.scalars(sa.union_all(*slugs))))


def _free_aliases(connection: sa.Connection, slugs: Collection[str]) -> None:
    """Let former slugs go that a product now claims."""
    connection.execute(sa.delete(slug_aliases).where(slug_aliases.c.slug.in_(slugs)))


def _absent(slug: str, now_at: Sequence[Sequence[Any]]) -> NotFoundError | MovedError:
    return MovedError(now_at[0][0]) if now_at else product_absent(slug)
