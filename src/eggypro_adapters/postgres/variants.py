"""The variants of a shop's products in Postgres."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.product_keys import absent, absent_in, refuse_sku
from eggypro_adapters.postgres.product_rows import VARIANT, variant_columns, variant_of
from eggypro_adapters.postgres.rollups import derive
from eggypro_adapters.postgres.schema import products, variants
from eggypro_adapters.postgres.search_index import index
from eggypro_core.domain.pagination import Page
from eggypro_core.domain.product import HIGHEST_STOCK, product_absent, stock_refused
from eggypro_core.domain.variant import (
    Variant,
    VariantDraft,
    VariantQuery,
    combination,
    options_taken,
    refuse_names,
)
from eggypro_core.services.variants import variant_absent
from eggypro_core.validation.parameters import Status

_PRODUCT = [products.c.is_active, products.c.version]
_slug = sa.bindparam("slug", type_=sa.Text)
_id = sa.bindparam("variant_id", type_=sa.Integer)
_FIND = Statement.of(
    sa.select(*_PRODUCT, *VARIANT)
    .outerjoin(variants, sa.and_(variants.c.product_id == products.c.id, variants.c.id == _id))
    .where(products.c.slug == _slug)
)
_LOCKED = (
    sa.select(products.c.id, products.c.version).where(products.c.slug == _slug).with_for_update()
)
_NAMES = sa.text(
    "SELECT DISTINCT name FROM variants, json_object_keys(options) AS name"
    " WHERE product_id = :product_id AND id <> :but"
)


@frozen
class PostgresVariantStore:
    """Variants in Postgres. A read is one statement, a write one transaction.

    A write locks the product first, so that those to siblings come one after another.
    """

    _database: Database

    def find(self, slug: str, variant_id: int, status: Status) -> Variant:
        rows = self._database.read(_FIND, {"slug": slug, "variant_id": variant_id})
        if not rows:
            raise absent(self._database, slug)
        [(is_sold, version, *row)] = rows
        _require_shown(slug, status, is_sold=is_sold)
        if row[0] is not None:
            variant = variant_of(row, version)
            if status.shows(is_active=variant.is_active):
                return variant
        raise variant_absent(slug, variant_id)

    def page(self, query: VariantQuery) -> Page[Variant, VariantQuery]:
        statement = _page(query.status, after=query.after is not None)
        values = {"slug": query.product, **keyset.page_values(query)}
        rows = self._database.read(statement, values)
        if not rows:
            raise absent(self._database, query.product)
        is_sold, version, total = rows[0][:3]
        _require_shown(query.product, query.status, is_sold=is_sold)
        shown = [row[3:] for row in rows if row[3] is not None]
        return Page.of(query, shown, total=total, item_of=lambda row: variant_of(row, version))

    def add(self, slug: str, draft: VariantDraft, at: datetime) -> Variant:
        return self._database.write(lambda connection: _added(connection, slug, draft, at))

    def change(
        self, slug: str, variant_id: int, to: Callable[[Variant], Variant], at: datetime
    ) -> Variant:
        return self._database.write(
            lambda connection: _changed(connection, slug, variant_id, to, at)
        )

    def remove(
        self, slug: str, variant_id: int, check: Callable[[Variant], None], at: datetime
    ) -> None:
        self._database.write(lambda connection: _remove(connection, slug, variant_id, check, at))

    def adjust_stock(self, slug: str, variant_id: int, by: int) -> int:
        return self._restocked(slug, variant_id, lambda stock: _adjusted(stock, by))

    def set_stock(self, slug: str, variant_id: int, to: int) -> int:
        return self._restocked(slug, variant_id, lambda _: to)

    def _restocked(self, slug: str, variant_id: int, to: Callable[[int], int]) -> int:
        def work(connection: sa.Connection) -> int:
            product_id, version = _lock(connection, slug)
            variant = _found(connection, slug, product_id, variant_id, version)
            stock = to(variant.stock_quantity)
            if stock != variant.stock_quantity:
                _store(connection, variant_id, {"stock_quantity": stock})
                derive(connection, [product_id])
            return stock

        return self._database.write(work)


@cache
def _page(status: Status, *, after: bool) -> Statement:
    """Return the statement of a page: rows of the product, the total and the columns of VARIANT."""
    matching = [variants.c.product_id == products.c.id]
    if status is not Status.ALL:
        matching.append(variants.c.is_active.is_(status is Status.ACTIVE))
    # Joined, not selected: what is selected would be counted again for each row.
    total = keyset.total_of(variants, *matching, within=products).lateral()
    place = (variants.c.position, variants.c.id)
    rows = keyset.page_rows(sa.select(*VARIANT).where(*matching), place, after=after)
    shown = rows.correlate(products).lateral()
    return Statement.of(
        sa.select(*_PRODUCT, total.c.total, *shown.c)
        .select_from(products.join(total, sa.true()).outerjoin(shown, sa.true()))
        .where(products.c.slug == _slug)
        .order_by(shown.c.position, shown.c.id)
    )


def _require_shown(slug: str, status: Status, *, is_sold: bool) -> None:
    if status is Status.ACTIVE and not is_sold:
        raise product_absent(slug)


def _added(connection: sa.Connection, slug: str, draft: VariantDraft, at: datetime) -> Variant:
    product_id, version = _lock(connection, slug)
    _refuse_siblings(connection, product_id, draft, 0)
    refuse_sku(connection, draft.sku)
    values = variant_columns(draft)
    if draft.position is None:
        values["position"] = _last_position(connection, product_id)
    new = sa.insert(variants).values(product_id=product_id, **values).returning(*VARIANT)
    variant = variant_of(connection.execute(new).one(), version + 1)
    derive(connection, [product_id], at)
    index(connection, [product_id])
    return variant


def _changed(
    connection: sa.Connection,
    slug: str,
    variant_id: int,
    to: Callable[[Variant], Variant],
    at: datetime,
) -> Variant:
    product_id, version = _lock(connection, slug)
    variant = _found(connection, slug, product_id, variant_id, version)
    changed = to(variant)
    if changed == variant:
        return variant
    if changed.options != variant.options:
        _refuse_siblings(connection, product_id, changed, variant_id)
    if changed.sku != variant.sku:
        refuse_sku(connection, changed.sku)
    _store(connection, variant_id, variant_columns(changed))
    derive(connection, [product_id], at)
    if (changed.options, changed.is_active) != (variant.options, variant.is_active):
        index(connection, [product_id])
    return evolve(changed, version=version + 1)


def _remove(
    connection: sa.Connection,
    slug: str,
    variant_id: int,
    check: Callable[[Variant], None],
    at: datetime,
) -> None:
    product_id, version = _lock(connection, slug)
    row = _row(connection, product_id, variant_id)
    if row is None:
        return
    check(variant_of(row, version))
    connection.execute(sa.delete(variants).where(variants.c.id == variant_id))
    derive(connection, [product_id], at)
    index(connection, [product_id])


def _lock(connection: sa.Connection, slug: str) -> tuple[int, int]:
    """Return the id and the version of a product that nobody else writes until the end."""
    row = connection.execute(_LOCKED, {"slug": slug}).one_or_none()
    if row is None:
        raise absent_in(connection, slug)
    return row.id, row.version


def _found(
    connection: sa.Connection, slug: str, product_id: int, variant_id: int, version: int
) -> Variant:
    row = _row(connection, product_id, variant_id)
    if row is None:
        raise variant_absent(slug, variant_id)
    return variant_of(row, version)


def _row(connection: sa.Connection, product_id: int, variant_id: int) -> sa.Row[Any] | None:
    wanted = (variants.c.product_id == product_id, variants.c.id == variant_id)
    return connection.execute(sa.select(*VARIANT).where(*wanted)).one_or_none()


def _refuse_siblings(
    connection: sa.Connection, product_id: int, variant: Variant | VariantDraft, but: int
) -> None:
    """Raise ConflictError if options contradict those of another variant than `but`."""
    same = sa.select(variants.c.id).where(
        variants.c.product_id == product_id,
        variants.c.combination == combination(variant.options),
        variants.c.id != but,
    )
    if connection.scalar(same) is not None:
        raise options_taken(variant.options)
    names = connection.scalars(_NAMES, {"product_id": product_id, "but": but})
    refuse_names(variant.options, names)


def _last_position(connection: sa.Connection, product_id: int) -> int:
    highest = sa.select(sa.func.max(variants.c.position)).where(variants.c.product_id == product_id)
    position: int | None = connection.scalar(highest)
    return 0 if position is None else min(position + 1, HIGHEST_STOCK)


def _store(connection: sa.Connection, variant_id: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(variants).where(variants.c.id == variant_id).values(values))


def _adjusted(stock: int, by: int) -> int:
    if not 0 <= stock + by <= HIGHEST_STOCK:
        raise stock_refused(stock, by)
    return stock + by
