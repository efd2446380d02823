"""The ledger of stored images in Postgres."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from attrs import asdict, frozen
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.product_keys import absent_in
from eggypro_adapters.postgres.schema import image_ledger, products
from eggypro_core.domain.image import StoredImage, image_absent, no_images
from eggypro_core.domain.product import Image, Product, ProductDraft, own_images

_HAVABLE = sa.and_(sa.not_(image_ledger.c.is_given_up), image_ledger.c.size.is_not(None))
_SHOWN = sa.select(products.c.id, products.c.images).where(
    products.c.id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.Integer)))
)


def settle(connection: sa.Connection, before: frozenset[str], after: frozenset[str]) -> None:
    """Record that a product lets some images of ours go and gets others. Raises InvalidError."""
    if gone := before - after:
        _count(connection, gone, -1)
    if new := after - before:
        unknown = new - set(_count(connection, new, 1))
        if unknown:
            raise no_images(unknown)


def settle_all(
    connection: sa.Connection, new: Iterable[ProductDraft], changed: Sequence[Product]
) -> None:
    """Record which images of ours many products get, and which those let go that are stored."""
    for draft in new:
        settle(connection, frozenset(), own_images(draft.images))
    if changed:
        before = connection.execute(_SHOWN, {"ids": [product.id for product in changed]})
        shown = {row.id: own_images(map(Image, row.images)) for row in before}
        for product in changed:
            settle(connection, shown[product.id], product.own_images)


def havable(connection: sa.Connection, public_ids: Collection[str]) -> Collection[str]:
    """Return those images of ours that products can have."""
    there = sa.select(image_ledger.c.public_id)
    those = image_ledger.c.public_id.in_(public_ids)
    return connection.scalars(there.where(those, _HAVABLE)).all()


def _count(connection: sa.Connection, public_ids: Collection[str], by: int) -> Collection[str]:
    counted = (
        sa.update(image_ledger)
        .where(image_ledger.c.public_id.in_(public_ids), _HAVABLE)
        .values(products=image_ledger.c.products + by)
        .returning(image_ledger.c.public_id)
    )
    return connection.scalars(counted).all()


_ids = image_ledger.c.public_id
_INTENDED = Statement.of(
    sa.select(products.c.slug)
    .join(image_ledger, image_ledger.c.product_id == products.c.id)
    .where(_ids == sa.bindparam("public_id", type_=sa.Text))
)


@frozen
class PostgresImageLedger:
    """The record of images in Postgres. Each method is a transaction."""

    _database: Database

    def intend(
        self, public_ids: Collection[str], *, until: datetime, product: str | None = None
    ) -> None:
        def work(connection: sa.Connection) -> None:
            whose = None if product is None else _product_id(connection, product)
            rows = [{"public_id": one, "product_id": whose, "until": until} for one in public_ids]
            connection.execute(sa.insert(image_ledger), rows)

        self._database.write(work)

    def intended_for(self, public_id: str) -> str:
        rows = self._database.read(_INTENDED, {"public_id": public_id})
        if not rows:
            raise image_absent(public_id)
        return str(rows[0][0])

    def note(self, stored: Iterable[StoredImage]) -> None:
        facts = [asdict(one) for one in stored]

        def work(connection: sa.Connection) -> None:
            for one in facts:
                noted = sa.update(image_ledger).where(_ids == one["public_id"]).values(one)
                connection.execute(noted)

        self._database.write(work)

    def give_up(self, public_ids: Collection[str]) -> Collection[str]:
        return self._give_up(_ids.in_(public_ids))

    def give_up_overdue(self, at: datetime) -> Collection[str]:
        waits = sa.and_(image_ledger.c.is_given_up, sa.not_(image_ledger.c.is_deleted))
        return self._give_up(sa.or_(waits, image_ledger.c.until <= at))

    def deleted(self, public_ids: Collection[str], at: datetime) -> None:
        those = (_ids.in_(public_ids), image_ledger.c.is_given_up)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(image_ledger).where(*those, image_ledger.c.until <= at))
            connection.execute(sa.update(image_ledger).where(*those).values(is_deleted=True))

        self._database.write(work)

    def _give_up(self, wanted: sa.ColumnElement[bool]) -> Collection[str]:
        given_up = (
            sa.update(image_ledger)
            .where(image_ledger.c.products == 0, wanted)
            .values(is_given_up=True)
            .returning(_ids)
        )
        return self._database.write(lambda connection: connection.scalars(given_up).all())


def _product_id(connection: sa.Connection, slug: str) -> int:
    there = sa.select(products.c.id).where(products.c.slug == slug)
    # Locked, so that it is not deleted meanwhile.
    found: int | None = connection.scalar(there.with_for_update(read=True, key_share=True))
    if found is None:
        raise absent_in(connection, slug)
    return found
