"""An import into Postgres: one transaction, COPY underneath."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import sqlalchemy as sa
from attrs import define, field
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.engine import driver
from eggypro_adapters.postgres.rows import BARE, columns_of, copied, product_of
from eggypro_adapters.postgres.tables import products, slug_aliases
from eggypro_core.products import Product, ProductDraft

LOCK = 7_305_941_120
"""The advisory lock of an import: one runs at a time."""
_BEGIN = sa.text("SELECT set_config('statement_timeout', '0', true), pg_advisory_xact_lock(:lock)")
_SEEN = sa.text("CREATE TEMPORARY TABLE seen (key text PRIMARY KEY) ON COMMIT DROP")
_CHANGED = sa.text(
    "CREATE TEMPORARY TABLE changed (LIKE products INCLUDING DEFAULTS) ON COMMIT DROP"
)
_DROP_SEARCH = sa.text("ALTER TABLE changed DROP COLUMN search")
_texts = ARRAY(sa.Text)
_REMEMBER = sa.text(
    "INSERT INTO seen SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING RETURNING key"
)
_KNOWN = (
    sa.select(*BARE)
    .where(products.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts)))
    .order_by(products.c.id)  # every import locks in one order
    .with_for_update()
)
_HOLDERS = sa.select(products.c.sku, products.c.slug).where(
    products.c.sku == sa.func.any(sa.bindparam("skus", type_=_texts))
)
_FREE = sa.delete(slug_aliases).where(
    slug_aliases.c.slug == sa.func.any(sa.bindparam("slugs", type_=_texts))
)


@define
class PostgresLoad:
    """Products on their way into a transaction, which ends with the load."""

    _connection: sa.Connection
    committed: bool = field(default=False, init=False)

    @classmethod
    def begin(cls, connection: sa.Connection) -> Self:
        """Wait for another import to end, and begin one."""
        connection.execute(_BEGIN, {"lock": LOCK})
        for statement in (_SEEN, _CHANGED, _DROP_SEARCH):
            connection.execute(statement)
        return cls(connection)

    def repeated(self, keys: Sequence[str]) -> Collection[str]:
        new = set(self._connection.scalars(_REMEMBER, {"keys": list(keys)}))
        return set(keys) - new

    def known(self, slugs: Collection[str]) -> Mapping[str, Product]:
        found = map(product_of, self._connection.execute(_KNOWN, {"slugs": list(slugs)}))
        return {product.slug: product for product in found}

    def holders(self, skus: Collection[str]) -> Mapping[str, str]:
        rows = self._connection.execute(_HOLDERS, {"skus": list(skus)})
        return {row.sku: row.slug for row in rows}

    def put(self, new: Sequence[ProductDraft], changed: Sequence[Product], at: datetime) -> None:
        if new:
            times = {"created_at": at, "updated_at": at}
            self._copy("products", [columns_of(draft) | times for draft in new])
            self._connection.execute(_FREE, {"slugs": [draft.slug for draft in new]})
        if changed:
            self._replace(changed)

    def commit(self) -> None:
        self.committed = True

    def _replace(self, changed: Sequence[Product]) -> None:
        rows = [
            columns_of(one) | {"id": one.id, "version": one.version, "updated_at": one.updated_at}
            for one in changed
        ]
        self._copy("changed", rows)
        names = [name for name in rows[0] if name != "id"]
        new_values = ", ".join(f"{name} = changed.{name}" for name in names)
        self._connection.execute(
            sa.text(f"UPDATE products SET {new_values} FROM changed WHERE products.id = changed.id")
        )
        self._connection.execute(sa.text("TRUNCATE changed"))

    def _copy(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        columns = ", ".join(rows[0])
        cursor = driver(self._connection.connection).cursor()
        with cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(copied(row))
