"""Idempotency store in Postgres: stores a response in the transaction of its request."""

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
"""Makes the services that write, by the names of Shop's fields."""
_PRUNE_LIMIT = 10
_name = sa.bindparam("name", type_=sa.Text)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_STORED_RESPONSE = sa.select(
    idempotency_keys.c.fingerprint, idempotency_keys.c.body, idempotency_keys.c.headers
).where(idempotency_keys.c.name == _name, idempotency_keys.c.expires_at > _at)


@frozen
class PostgresIdempotencyStore:
    """Store responses by idempotency key. Concurrent requests with one key raise ConflictError."""

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
                raise ConflictError(
                    "A request with this Idempotency-Key is being answered",
                    code="request-in-progress",
                )
            row = connection.execute(_STORED_RESPONSE, {"name": key, "at": at}).one_or_none()
            if row is not None:
                return StoredResponse(*row), True
            services = self._make_services(self._database.for_transaction(connection))
            response = work(evolve(shop, **services))
            _store_response(connection, key, at, response)
            connection.execute(_expired_deletion(at, _PRUNE_LIMIT))
            return response, False

    def prune(self, at: datetime, limit: int) -> int:
        return self._database.run_transaction(
            lambda connection: connection.execute(_expired_deletion(at, limit)).rowcount
        )


def _store_response(
    connection: sa.Connection, key: str, at: datetime, response: StoredResponse
) -> None:
    values = {
        "fingerprint": response.fingerprint,
        "body": response.body,
        "headers": dict(response.headers),
        "expires_at": at + IDEMPOTENCY_RETENTION,
    }
    insertion = insert(idempotency_keys).values(name=key, **values)
    connection.execute(insertion.on_conflict_do_update(index_elements=["name"], set_=values))


def _expired_deletion(at: datetime, limit: int) -> sa.Delete:
    """Return a statement that deletes up to `limit` expired keys and skips locked ones."""
    expired = (
        sa.select(idempotency_keys.c.name)
        .where(idempotency_keys.c.expires_at <= at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return sa.delete(idempotency_keys).where(idempotency_keys.c.name.in_(expired))
