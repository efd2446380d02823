"""API keys in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.schema import api_keys
from eggypro_core.access.api_keys import (
    MAX_API_KEYS,
    ApiKey,
    ApiKeyDraft,
    key_not_found,
    too_many_keys,
)
from eggypro_core.access.authentication import Permission
from eggypro_core.domain.event import EventType, key_event

_COLUMN_NAMES = (
    "id",
    "name",
    "prefix",
    "digest",
    "permissions",
    "created_at",
    "expires_at",
    "last_used_at",
    "revoked_at",
)
_COLUMNS = [api_keys.c[name] for name in _COLUMN_NAMES]
_GET = CompiledStatement.compile(
    sa.select(*_COLUMNS).where(api_keys.c.prefix == sa.bindparam("prefix", type_=sa.Text))
)
_LIST = CompiledStatement.compile(sa.select(*_COLUMNS).order_by(api_keys.c.id.desc()))
_LOCK = sa.text("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
_COUNT = sa.select(sa.func.count()).where(api_keys.c.revoked_at.is_(None))
# In the order of ids, so that concurrent updates of several keys cannot deadlock.
_RECORD_USES = sa.text("""
WITH uses AS (
  SELECT api_keys.id, used_at FROM api_keys
  JOIN unnest(CAST(:ids AS integer[]), CAST(:times AS timestamptz[])) AS use (id, used_at)
    USING (id)
  WHERE last_used_at IS NULL OR last_used_at < used_at
  ORDER BY id FOR UPDATE OF api_keys
)
UPDATE api_keys SET last_used_at = used_at FROM uses WHERE api_keys.id = uses.id
""")


@frozen
class PostgresApiKeyStore:
    """Store API keys in Postgres."""

    _database: Database

    def create(self, draft: ApiKeyDraft, prefix: str, digest: bytes, at: datetime) -> ApiKey:
        values = {
            "name": draft.name,
            "prefix": prefix,
            "digest": digest,
            "permissions": sorted(draft.permissions),
            "created_at": at,
            "expires_at": draft.expires_at,
        }

        def insert(connection: sa.Connection) -> ApiKey:
            connection.execute(_LOCK)  # so that concurrent creations count one another
            if connection.execute(_COUNT).scalar_one() >= MAX_API_KEYS:
                raise too_many_keys()
            statement = sa.insert(api_keys).values(values).returning(*_COLUMNS)
            key = _key_of(connection.execute(statement).one())
            record_events(connection, [key_event(EventType.KEY_CREATED, key.id, key.name)])
            return key

        return self._database.run_transaction(insert)

    def get(self, prefix: str) -> ApiKey:
        for row in self._database.fetch(_GET, {"prefix": prefix}):
            return _key_of(row)
        raise key_not_found(prefix)

    def list(self) -> tuple[ApiKey, ...]:
        return tuple(map(_key_of, self._database.fetch(_LIST, {})))

    def revoke(self, key_id: int, at: datetime) -> bool:
        is_key = api_keys.c.id == key_id
        revocation = (
            sa.update(api_keys)
            .where(is_key, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=at)
            .returning(api_keys.c.name)
        )

        def work(connection: sa.Connection) -> bool:
            name = connection.scalar(revocation)
            if name is not None:
                record_events(connection, [key_event(EventType.KEY_REVOKED, key_id, name)])
            return connection.scalar(sa.select(sa.exists().where(is_key))) is True

        return self._database.run_transaction(work)

    def record_uses(self, uses: Mapping[int, datetime]) -> None:
        values = {"ids": list(uses), "times": list(uses.values())}
        self._database.run_transaction(lambda connection: connection.execute(_RECORD_USES, values))


def _key_of(row: Sequence[Any]) -> ApiKey:
    """Return the key of a row of _COLUMNS, without permissions of a later version."""
    values = dict(zip(_COLUMN_NAMES, row, strict=True))
    known = frozenset(kind for kind in Permission if kind in values["permissions"])
    return ApiKey(**{**values, "permissions": known, "digest": bytes(values["digest"])})
