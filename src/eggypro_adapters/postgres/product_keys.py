"""Lookups and conflicts of slugs, slug aliases and SKUs."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.schema import products, skus, slug_aliases
from eggypro_core.domain.product import (
    product_not_found,
    sku_conflict,
)
from eggypro_core.domain.slug import free_slug, slug_conflict
from eggypro_core.errors import NotFoundError, SlugMovedError

_LONG_SLUG_LENGTH = 240
slug_parameter = sa.bindparam("slug", type_=sa.Text)
_ALIAS = sa.select(products.c.slug).join(slug_aliases).where(slug_aliases.c.slug == slug_parameter)
_FIND_ALIAS = CompiledStatement.compile(_ALIAS)


def missing_product_error(database: Database, slug: str) -> NotFoundError | SlugMovedError:
    """Return the error for a slug without a product: not found, or moved to a new slug."""
    return _missing_product_error(slug, database.fetch(_FIND_ALIAS, {"slug": slug}))


def missing_product_error_in(
    connection: sa.Connection, slug: str
) -> NotFoundError | SlugMovedError:
    """Return the same error, within a transaction."""
    return _missing_product_error(slug, connection.execute(_ALIAS, {"slug": slug}).all())


def check_slug_is_free(connection: sa.Connection, slug: str) -> None:
    """Raise ConflictError if a product has the slug."""
    is_active = connection.scalar(sa.select(products.c.is_active).where(products.c.slug == slug))
    if is_active is not None:
        raise slug_conflict(slug, "product", is_active=is_active)


def check_sku_is_free(connection: sa.Connection, sku: str | None) -> None:
    """Raise ConflictError if a product or a variant has the SKU."""
    if sku is None:
        return
    owner = sa.select(products.c.slug).join(skus).where(skus.c.sku == sku)
    slug = connection.scalar(owner)
    if slug is not None:
        raise sku_conflict(sku, slug)


def find_free_slug(connection: sa.Connection, slug: str) -> str:
    """Return `slug`, or its first numbered form, that no product has or had."""
    # A long slug is shortened to make room for the number. Slugs contain no wildcards of LIKE.
    pattern = f"{slug}-%" if len(slug) < _LONG_SLUG_LENGTH else f"{slug[:80]}%"
    slugs = [
        sa.select(column).where(sa.or_(column == slug, column.like(pattern)))
        for column in (products.c.slug, slug_aliases.c.slug)
    ]
    return free_slug(slug, set(connection.scalars(sa.union_all(*slugs))))


def release_aliases(connection: sa.Connection, slugs: Collection[str]) -> None:
    """Delete the aliases with these slugs, which products take over."""
    connection.execute(sa.delete(slug_aliases).where(slug_aliases.c.slug.in_(slugs)))


def _missing_product_error(
    slug: str, rows: Sequence[Sequence[Any]]
) -> NotFoundError | SlugMovedError:
    return SlugMovedError(rows[0][0]) if rows else product_not_found(slug)
