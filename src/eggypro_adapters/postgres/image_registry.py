"""The ledger of stored images in Postgres."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa
from attrs import asdict, frozen
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.product_keys import missing_product_error_in
from eggypro_adapters.postgres.schema import image_ledger, products
from eggypro_core.domain.image import StoredImage, image_not_found, images_not_found
from eggypro_core.domain.product import Image, Product, ProductDraft, own_image_ids

_IS_ATTACHABLE = sa.and_(sa.not_(image_ledger.c.is_given_up), image_ledger.c.size.is_not(None))
_PRODUCT_IMAGES = sa.select(products.c.id, products.c.images).where(
    products.c.id == sa.func.any(sa.bindparam("ids", type_=ARRAY(sa.Integer)))
)


def update_references(
    connection: sa.Connection, before: frozenset[str], after: frozenset[str]
) -> None:
    """Record that a product lets some images of ours go and gets others. Raises ValidationError."""
    if gone := before - after:
        _change_count(connection, gone, -1)
    if new := after - before:
        unknown = new - set(_change_count(connection, new, 1))
        if unknown:
            raise images_not_found(unknown)


def update_all_references(
    connection: sa.Connection, new: Iterable[ProductDraft], changed: Sequence[Product]
) -> None:
    """Record which images of ours many products get, and which those let go that are stored."""
    for draft in new:
        update_references(connection, frozenset(), own_image_ids(draft.images))
    if changed:
        before = connection.execute(_PRODUCT_IMAGES, {"ids": [product.id for product in changed]})
        shown = {row.id: own_image_ids(map(Image, row.images)) for row in before}
        for product in changed:
            update_references(connection, shown[product.id], product.own_image_ids)


def find_attachable_images(
    connection: sa.Connection, public_ids: Collection[str]
) -> Collection[str]:
    """Return those images of ours that products can have."""
    there = sa.select(image_ledger.c.public_id)
    those = image_ledger.c.public_id.in_(public_ids)
    return connection.scalars(there.where(those, _IS_ATTACHABLE)).all()


def _change_count(
    connection: sa.Connection, public_ids: Collection[str], by: int
) -> Collection[str]:
    counted = (
        sa.update(image_ledger)
        .where(image_ledger.c.public_id.in_(public_ids), _IS_ATTACHABLE)
        .values(products=image_ledger.c.products + by)
        .returning(image_ledger.c.public_id)
    )
    return connection.scalars(counted).all()


_public_id = image_ledger.c.public_id
_RESERVED_PRODUCT = CompiledStatement.compile(
    sa.select(products.c.slug)
    .join(image_ledger, image_ledger.c.product_id == products.c.id)
    .where(_public_id == sa.bindparam("public_id", type_=sa.Text))
)


@frozen
class PostgresImageRegistry:
    """The record of images in Postgres. Each method is a transaction."""

    _database: Database

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        def work(connection: sa.Connection) -> None:
            whose = None if product is None else _lock_product(connection, product)
            rows = [
                {"public_id": one, "product_id": whose, "until": expires_at} for one in public_ids
            ]
            connection.execute(sa.insert(image_ledger), rows)

        self._database.run_transaction(work)

    def get_product_slug(self, public_id: str) -> str:
        rows = self._database.fetch(_RESERVED_PRODUCT, {"public_id": public_id})
        if not rows:
            raise image_not_found(public_id)
        return str(rows[0][0])

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        facts = [asdict(one) for one in stored_images]

        def work(connection: sa.Connection) -> None:
            for one in facts:
                noted = sa.update(image_ledger).where(_public_id == one["public_id"]).values(one)
                connection.execute(noted)

        self._database.run_transaction(work)

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        return self._release(_public_id.in_(public_ids))

    def release_expired(self, at: datetime) -> Collection[str]:
        waits = sa.and_(image_ledger.c.is_given_up, sa.not_(image_ledger.c.is_deleted))
        return self._release(sa.or_(waits, image_ledger.c.until <= at))

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        those = (_public_id.in_(public_ids), image_ledger.c.is_given_up)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(image_ledger).where(*those, image_ledger.c.until <= at))
            connection.execute(sa.update(image_ledger).where(*those).values(is_deleted=True))

        self._database.run_transaction(work)

    def _release(self, wanted: sa.ColumnElement[bool]) -> Collection[str]:
        given_up = (
            sa.update(image_ledger)
            .where(image_ledger.c.products == 0, wanted)
            .values(is_given_up=True)
            .returning(_public_id)
        )
        return self._database.run_transaction(lambda connection: connection.scalars(given_up).all())


def _lock_product(connection: sa.Connection, slug: str) -> int:
    there = sa.select(products.c.id).where(products.c.slug == slug)
    # Locked, so that it is not deleted meanwhile.
    found: int | None = connection.scalar(there.with_for_update(read=True, key_share=True))
    if found is None:
        raise missing_product_error_in(connection, slug)
    return found
