"""Variant store in Postgres."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.product_keys import (
    check_sku_is_free,
    missing_product_error,
    missing_product_error_in,
)
from eggypro_adapters.postgres.product_rows import VARIANT_COLUMNS, variant_from_row, variant_values
from eggypro_adapters.postgres.rollups import refresh_variant_summary
from eggypro_adapters.postgres.schema import products, variants
from eggypro_adapters.postgres.search_index import index_products
from eggypro_core.domain.event import (
    Subject,
    variant_changed,
    variant_created,
    variant_deleted,
)
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import MAX_STOCK, insufficient_stock, product_not_found
from eggypro_core.domain.variant import (
    Variant,
    VariantDraft,
    VariantQuery,
    check_option_names,
    options_conflict,
    options_key,
)
from eggypro_core.services.variants import variant_not_found
from eggypro_core.validation.parameters import Status

_PRODUCT_COLUMNS = [products.c.is_active, products.c.version]
_slug = sa.bindparam("slug", type_=sa.Text)
_id = sa.bindparam("variant_id", type_=sa.Integer)
_FIND = CompiledStatement.compile(
    sa.select(*_PRODUCT_COLUMNS, *VARIANT_COLUMNS)
    .outerjoin(variants, sa.and_(variants.c.product_id == products.c.id, variants.c.id == _id))
    .where(products.c.slug == _slug)
)
_LOCK_PRODUCT = (
    sa.select(products.c.id, products.c.version, products.c.name)
    .where(products.c.slug == _slug)
    .with_for_update()
)
_OPTION_NAMES = sa.text(
    "SELECT DISTINCT name FROM variants, json_object_keys(options) AS name"
    " WHERE product_id = :product_id AND id <> :excluded_id"
)


@frozen
class PostgresVariantStore:
    """Store variants in Postgres. A read is one statement, a write one transaction.

    A write locks the product first, so writes to the variants of a product are serialized.
    """

    _database: Database

    def get(self, slug: str, variant_id: int, status: Status) -> Variant:
        rows = self._database.fetch(_FIND, {"slug": slug, "variant_id": variant_id})
        if not rows:
            raise missing_product_error(self._database, slug)
        [(is_active, version, *row)] = rows
        _require_visible(slug, status, is_active=is_active)
        if row[0] is not None:
            variant = variant_from_row(row, version)
            if status.includes(is_active=variant.is_active):
                return variant
        raise variant_not_found(slug, variant_id)

    def list(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        statement = _page(query.status, after=query.after is not None)
        values = {"slug": query.product, **keyset.page_values(query)}
        rows = self._database.fetch(statement, values)
        if not rows:
            raise missing_product_error(self._database, query.product)
        is_active, version, total = rows[0][:3]
        _require_visible(query.product, query.status, is_active=is_active)
        variant_rows = [row[3:] for row in rows if row[3] is not None]
        return Page.from_rows(
            query, variant_rows, total=total, item_of=lambda row: variant_from_row(row, version)
        )

    def create(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        return self._database.run_transaction(
            lambda connection: _create(connection, slug, draft, at)
        )

    def update(
        self, slug: str, variant_id: int, change: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        return self._database.run_transaction(
            lambda connection: _update(connection, slug, variant_id, change, at)
        )

    def delete(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        self._database.run_transaction(
            lambda connection: _delete(connection, slug, variant_id, check, at)
        )

    def adjust_stock(self, slug: str, variant_id: int, delta: int) -> int:
        return self._update_stock(slug, variant_id, lambda stock: _adjusted_stock(stock, delta))

    def set_stock(self, slug: str, variant_id: int, quantity: int) -> int:
        return self._update_stock(slug, variant_id, lambda _: quantity)

    def _update_stock(self, slug: str, variant_id: int, change: Callable[[int], int]) -> int:
        def work(connection: sa.Connection) -> int:
            product, version = _lock_product(connection, slug)
            variant = _get_variant(connection, product, variant_id, version)
            changed = evolve(variant, stock_quantity=change(variant.stock_quantity))
            if changed != variant:
                _store(connection, variant_id, {"stock_quantity": changed.stock_quantity})
                refresh_variant_summary(connection, [product.id])
                record_events(connection, variant_changed(product, variant, changed))
            return changed.stock_quantity

        return self._database.run_transaction(work)


@cache
def _page(status: Status, *, after: bool) -> CompiledStatement:
    """Return the statement of a page: _PRODUCT_COLUMNS, the total and VARIANT_COLUMNS."""
    matching = [variants.c.product_id == products.c.id]
    if status is not Status.ALL:
        matching.append(variants.c.is_active.is_(status is Status.ACTIVE))
    # Joined, since a scalar subquery would be computed for each row.
    total = keyset.total_of(variants, *matching, within=products).lateral()
    position = (variants.c.position, variants.c.id)
    rows = keyset.page_rows(sa.select(*VARIANT_COLUMNS).where(*matching), position, after=after)
    page = rows.correlate(products).lateral()
    return CompiledStatement.compile(
        sa.select(*_PRODUCT_COLUMNS, total.c.total, *page.c)
        .select_from(products.join(total, sa.true()).outerjoin(page, sa.true()))
        .where(products.c.slug == _slug)
        .order_by(page.c.position, page.c.id)
    )


def _require_visible(slug: str, status: Status, *, is_active: bool) -> None:
    if status is Status.ACTIVE and not is_active:
        raise product_not_found(slug)


def _create(connection: sa.Connection, slug: str, draft: VariantDraft, at: datetime) -> Variant:
    product, version = _lock_product(connection, slug)
    _check_options(connection, product.id, draft, 0)
    check_sku_is_free(connection, draft.sku)
    values = variant_values(draft)
    if draft.position is None:
        values["position"] = _next_position(connection, product.id)
    insertion = (
        sa.insert(variants).values(product_id=product.id, **values).returning(*VARIANT_COLUMNS)
    )
    variant = variant_from_row(connection.execute(insertion).one(), version + 1)
    refresh_variant_summary(connection, [product.id], at)
    index_products(connection, [product.id])
    record_events(connection, [variant_created(product, variant.id, variant.options, version + 1)])
    return variant


def _update(
    connection: sa.Connection,
    slug: str,
    variant_id: int,
    change: Callable[[Variant], Variant],
    at: datetime,
) -> Variant:
    product, version = _lock_product(connection, slug)
    variant = _get_variant(connection, product, variant_id, version)
    changed = change(variant)
    if changed == variant:
        return variant
    if changed.options != variant.options:
        _check_options(connection, product.id, changed, variant_id)
    if changed.sku != variant.sku:
        check_sku_is_free(connection, changed.sku)
    _store(connection, variant_id, variant_values(changed))
    refresh_variant_summary(connection, [product.id], at)
    if (changed.options, changed.is_active) != (variant.options, variant.is_active):
        index_products(connection, [product.id])
    changed = evolve(changed, version=version + 1)
    record_events(connection, variant_changed(product, variant, changed))
    return changed


def _delete(
    connection: sa.Connection,
    slug: str,
    variant_id: int,
    check: Callable[[Variant], None],
    at: datetime,
) -> None:
    product, version = _lock_product(connection, slug)
    row = _find_row(connection, product.id, variant_id)
    if row is None:
        return
    variant = variant_from_row(row, version)
    check(variant)
    connection.execute(sa.delete(variants).where(variants.c.id == variant_id))
    refresh_variant_summary(connection, [product.id], at)
    index_products(connection, [product.id])
    record_events(connection, [variant_deleted(product, variant_id, variant.options, version + 1)])


def _lock_product(connection: sa.Connection, slug: str) -> tuple[Subject, int]:
    """Return a product and its version, locked until the transaction ends."""
    row = connection.execute(_LOCK_PRODUCT, {"slug": slug}).one_or_none()
    if row is None:
        raise missing_product_error_in(connection, slug)
    return Subject(row.id, slug, row.name, row.id), row.version


def _get_variant(
    connection: sa.Connection, product: Subject, variant_id: int, version: int
) -> Variant:
    row = _find_row(connection, product.id, variant_id)
    if row is None:
        raise variant_not_found(product.slug, variant_id)
    return variant_from_row(row, version)


def _find_row(connection: sa.Connection, product_id: int, variant_id: int) -> sa.Row[Any] | None:
    statement = sa.select(*VARIANT_COLUMNS).where(
        variants.c.product_id == product_id, variants.c.id == variant_id
    )
    return connection.execute(statement).one_or_none()


def _check_options(
    connection: sa.Connection, product_id: int, variant: Variant | VariantDraft, excluded_id: int
) -> None:
    """Raise ConflictError if the options conflict with a variant other than `excluded_id`."""
    same = sa.select(variants.c.id).where(
        variants.c.product_id == product_id,
        variants.c.combination == options_key(variant.options),
        variants.c.id != excluded_id,
    )
    if connection.scalar(same) is not None:
        raise options_conflict(variant.options)
    names = connection.scalars(
        _OPTION_NAMES, {"product_id": product_id, "excluded_id": excluded_id}
    )
    check_option_names(variant.options, names)


def _next_position(connection: sa.Connection, product_id: int) -> int:
    highest = sa.select(sa.func.max(variants.c.position)).where(variants.c.product_id == product_id)
    position: int | None = connection.scalar(highest)
    return 0 if position is None else min(position + 1, MAX_STOCK)


def _store(connection: sa.Connection, variant_id: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(variants).where(variants.c.id == variant_id).values(values))


def _adjusted_stock(stock: int, delta: int) -> int:
    if not 0 <= stock + delta <= MAX_STOCK:
        raise insufficient_stock(stock, delta)
    return stock + delta
