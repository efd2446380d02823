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
from eggypro_core.operations.idempotency import REMEMBERED, Done
from eggypro_core.shop import Shop

Services = Callable[[Database], Mapping[str, Any]]
"""Makes the services of a shop that write, by the names of Shop's fields."""
_FEW = 10
_name = sa.bindparam("name", type_=sa.Text)
_at = sa.bindparam("at", type_=sa.DateTime(timezone=True))
_FOUND = sa.select(
    idempotency_keys.c.fingerprint, idempotency_keys.c.body, idempotency_keys.c.headers
).where(idempotency_keys.c.name == _name, idempotency_keys.c.expires_at > _at)


@frozen
class PostgresOnce:
    """Remembers in a table; who does the work holds a lock on its name, and others do not wait."""

    _database: Database
    _services: Services

    def run(
        self, shop: Shop, name: str, at: datetime, work: Callable[[Shop], Done]
    ) -> tuple[Done, bool]:
        with self._database.briefly() as connection:
            if not try_idempotency_lock(connection, name):
                raise ConflictError("A request with this Idempotency-Key is being answered")
            found = connection.execute(_FOUND, {"name": name, "at": at}).one_or_none()
            if found is not None:
                return Done(*found), True
            done = work(evolve(shop, **self._services(self._database.joined(connection))))
            _remember(connection, name, at, done)
            connection.execute(_forgetting(at, _FEW))
            return done, False

    def prune(self, at: datetime, most: int) -> int:
        return self._database.write(lambda each: each.execute(_forgetting(at, most)).rowcount)


def _remember(connection: sa.Connection, name: str, at: datetime, done: Done) -> None:
    values = {
        "fingerprint": done.fingerprint,
        "body": done.body,
        "headers": dict(done.headers),
        "expires_at": at + REMEMBERED,
    }
    new = insert(idempotency_keys).values(name=name, **values)
    connection.execute(new.on_conflict_do_update(index_elements=["name"], set_=values))


def _forgetting(at: datetime, most: int) -> sa.Delete:
    """Return what deletes some of those that are over; whatever another deletes is left to them."""
    over = (
        sa.select(idempotency_keys.c.name)
        .where(idempotency_keys.c.expires_at <= at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return sa.delete(idempotency_keys).where(idempotency_keys.c.name.in_(over))
