"""What was done with an idempotency key, in the transaction in which it is done."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from attrs import evolve, frozen
from sqlalchemy.dialects.postgresql import insert

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.locks import try_idempotency_lock
from eggypro_adapters.postgres.schema import idempotency_keys
from eggypro_core.errors import ConflictError
from eggypro_core.operations.idempotency import IDEMPOTENCY_RETENTION, StoredResponse
from eggypro_core.shop import Shop

ServiceFactory = Callable[[Database], Mapping[str, Any]]
"""Makes the services of a shop that write, by the names of Shop's fields."""
_PRUNE_LIMIT = 10
_name = sa.bindparam("name", type_=sa.Text)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_STORED_RESPONSE = sa.select(
    idempotency_keys.c.fingerprint, idempotency_keys.c.body, idempotency_keys.c.headers
).where(idempotency_keys.c.name == _name, idempotency_keys.c.expires_at > _at)


@frozen
class PostgresIdempotencyStore:
    """Remembers in a table; who does the work holds a lock on its name, and others do not wait."""

    _database: Database
    _make_services: ServiceFactory

    def run(
        self,
        shop: Shop,
        key: str,
        at: datetime,
        work: Callable[[Shop], StoredResponse],
    ) -> tuple[StoredResponse, bool]:
        with self._database.short_transaction() as connection:
            if not try_idempotency_lock(connection, key):
                raise ConflictError("A request with this Idempotency-Key is being answered")
            found = connection.execute(_STORED_RESPONSE, {"name": key, "at": at}).one_or_none()
            if found is not None:
                return StoredResponse(*found), True
            done = work(
                evolve(shop, **self._make_services(self._database.for_transaction(connection)))
            )
            _store_response(connection, key, at, done)
            connection.execute(_expired_deletion(at, _PRUNE_LIMIT))
            return done, False

    def prune(self, at: datetime, limit: int) -> int:
        return self._database.run_transaction(
            lambda each: each.execute(_expired_deletion(at, limit)).rowcount
        )


def _store_response(
    connection: sa.Connection, name: str, at: datetime, done: StoredResponse
) -> None:
    values = {
        "fingerprint": done.fingerprint,
        "body": done.body,
        "headers": dict(done.headers),
        "expires_at": at + IDEMPOTENCY_RETENTION,
    }
    new = insert(idempotency_keys).values(name=name, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))


def _expired_deletion(at: datetime, most: int) -> sa.Delete:
    """Return what deletes some of those that are over; whatever another deletes is left to them."""
    over = (
        sa.select(idempotency_keys.c.name)
        .where(idempotency_keys.c.expires_at <= at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return sa.delete(idempotency_keys).where(idempotency_keys.c.name.in_(over))
