"""What a transaction that changes a product's images means for the ledger of stored images."""

from collections.abc import Collection, Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.tables import image_ledger, products
from eggypro_core.images import no_images
from eggypro_core.products import Image, Product, ProductDraft, own_images

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
