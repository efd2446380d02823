"""What a transaction that changes a product's images means for the ledger of stored images."""

from collections.abc import Collection

import sqlalchemy as sa

from eggypro_adapters.postgres.tables import image_ledger
from eggypro_core.images import no_images

_HAVABLE = sa.and_(sa.not_(image_ledger.c.is_given_up), image_ledger.c.size.is_not(None))


def settle(connection: sa.Connection, before: frozenset[str], after: frozenset[str]) -> None:
    """Record that a product lets some images of ours go and gets others. Raises InvalidError."""
    if gone := before - after:
        _count(connection, gone, -1)
    if new := after - before:
        unknown = new - set(_count(connection, new, 1))
        if unknown:
            raise no_images(unknown)


def _count(connection: sa.Connection, public_ids: Collection[str], by: int) -> Collection[str]:
    counted = (
        sa.update(image_ledger)
        .where(image_ledger.c.public_id.in_(public_ids), _HAVABLE)
        .values(products=image_ledger.c.products + by)
        .returning(image_ledger.c.public_id)
    )
    return connection.scalars(counted).all()
