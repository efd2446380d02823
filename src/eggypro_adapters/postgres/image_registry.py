"""Image registry in Postgres."""

from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from attrs import asdict, frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.product_keys import missing_product_error_in
from eggypro_adapters.postgres.schema import image_ledger, products
from eggypro_core.domain.image import StoredImage, image_not_found, images_not_found

_IS_ATTACHABLE = sa.and_(sa.not_(image_ledger.c.is_given_up), image_ledger.c.size.is_not(None))


def update_references(
    connection: sa.Connection, before: frozenset[str], after: frozenset[str]
) -> None:
    """Update the reference counts of stored images whose use in a product changes.

    Raises ValidationError if an added image is not attachable.
    """
    if removed := before - after:
        _change_count(connection, removed, -1)
    if added := after - before:
        unknown = added - set(_change_count(connection, added, 1))
        if unknown:
            raise images_not_found(unknown)


def find_attachable_images(
    connection: sa.Connection, public_ids: Collection[str]
) -> Collection[str]:
    """Return the images among `public_ids` that are stored and not released."""
    statement = sa.select(image_ledger.c.public_id).where(
        image_ledger.c.public_id.in_(public_ids), _IS_ATTACHABLE
    )
    return connection.scalars(statement).all()


def _change_count(
    connection: sa.Connection, public_ids: Collection[str], delta: int
) -> Collection[str]:
    """Add `delta` to the reference counts of attachable images, and return their ids."""
    update = (
        sa.update(image_ledger)
        .where(image_ledger.c.public_id.in_(public_ids), _IS_ATTACHABLE)
        .values(products=image_ledger.c.products + delta)
        .returning(image_ledger.c.public_id)
    )
    return connection.scalars(update).all()


_public_id = image_ledger.c.public_id
_RESERVED_PRODUCT = CompiledStatement.compile(
    sa.select(products.c.slug)
    .join(image_ledger, image_ledger.c.product_id == products.c.id)
    .where(_public_id == sa.bindparam("public_id", type_=sa.Text))
)


@frozen
class PostgresImageRegistry:
    """Record images in Postgres. Each method is one transaction."""

    _database: Database

    def reserve(
        self, public_ids: Collection[str], *, expires_at: datetime, product: str | None = None
    ) -> None:
        def work(connection: sa.Connection) -> None:
            product_id = None if product is None else _lock_product(connection, product)
            rows = [
                {"public_id": public_id, "product_id": product_id, "until": expires_at}
                for public_id in public_ids
            ]
            connection.execute(sa.insert(image_ledger), rows)

        self._database.run_transaction(work)

    def get_product_slug(self, public_id: str) -> str:
        rows = self._database.fetch(_RESERVED_PRODUCT, {"public_id": public_id})
        if not rows:
            raise image_not_found(public_id)
        return str(rows[0][0])

    def confirm(self, stored_images: Iterable[StoredImage]) -> None:
        rows = [asdict(image) for image in stored_images]

        def work(connection: sa.Connection) -> None:
            for row in rows:
                is_image = _public_id == row["public_id"]
                connection.execute(sa.update(image_ledger).where(is_image).values(row))

        self._database.run_transaction(work)

    def release(self, public_ids: Collection[str]) -> Collection[str]:
        return self._release(_public_id.in_(public_ids))

    def release_expired(self, at: datetime) -> Collection[str]:
        is_pending = sa.and_(image_ledger.c.is_given_up, sa.not_(image_ledger.c.is_deleted))
        return self._release(sa.or_(is_pending, image_ledger.c.until <= at))

    def forget(self, public_ids: Collection[str], at: datetime) -> None:
        condition = sa.and_(_public_id.in_(public_ids), image_ledger.c.is_given_up)
        is_expired = image_ledger.c.until <= at

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(image_ledger).where(condition, is_expired))
            connection.execute(sa.update(image_ledger).where(condition).values(is_deleted=True))

        self._database.run_transaction(work)

    def _release(self, condition: sa.ColumnElement[bool]) -> Collection[str]:
        update = (
            sa.update(image_ledger)
            .where(image_ledger.c.products == 0, condition)
            .values(is_given_up=True)
            .returning(_public_id)
        )
        return self._database.run_transaction(lambda connection: connection.scalars(update).all())


def _lock_product(connection: sa.Connection, slug: str) -> int:
    statement = sa.select(products.c.id).where(products.c.slug == slug)
    # The lock prevents a concurrent delete.
    product_id: int | None = connection.scalar(statement.with_for_update(read=True, key_share=True))
    if product_id is None:
        raise missing_product_error_in(connection, slug)
    return product_id
