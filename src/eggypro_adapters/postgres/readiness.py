"""Check that the database is reachable, migrated, and readable by the role of this process."""

from collections.abc import Callable
from time import monotonic

import sqlalchemy as sa

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.permission_errors import SCHEMA_PERMISSION, TABLE_PERMISSION
from eggypro_adapters.postgres.schema import HEAD_REVISION, is_outdated, metadata
from eggypro_core.errors import UnavailableError, UnavailableKind, database_unavailable_error

SCHEMA_TTL_SECONDS = 5.0
"""Seconds for which a schema that was found usable is not checked again."""
_SCHEMA = CompiledStatement.compile(
    sa.text(
        "SELECT version_num,"
        " ARRAY(SELECT name FROM unnest(CAST(:tables AS text[])) name"
        " WHERE to_regclass(name) IS NULL),"
        " ARRAY(SELECT name FROM unnest(CAST(:tables AS text[])) name"
        " WHERE NOT has_table_privilege(to_regclass(name), 'SELECT'))"
        " FROM alembic_version"
    )
)

_HAS_SCHEMA_ACCESS = CompiledStatement.compile(
    sa.text("SELECT has_schema_privilege('public', 'USAGE')")
)


class DatabaseCheck:
    """Raise UnavailableError, with the remedy, unless the database can serve this version.

    Migrated means to the revision of this version or a newer one, which it can read too. `clock`
    returns seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._clock = clock
        self._usable_until = 0.0

    def __call__(self) -> None:
        """Check the connection always, and the schema if the last success is too long ago."""
        now = self._clock()
        if now < self._usable_until:
            self._database.ping()
            return
        with self._database.watch():
            try:
                self._check_schema()
            except UnavailableError as error:
                if error.kind is UnavailableKind.OUTDATED_SCHEMA:
                    self._check_schema_access()
                raise
        self._usable_until = now + SCHEMA_TTL_SECONDS

    def _check_schema(self) -> None:
        tables = list(metadata.tables)
        rows = self._database.fetch(_SCHEMA, {"tables": tables})
        revision, missing, unreadable = rows[0] if rows else (None, (), ())
        if is_outdated(revision):
            raise database_unavailable_error(
                f"The database is at revision {revision or 'none'}, older than {HEAD_REVISION} of"
                " this version: run `eggypro db upgrade`",
                kind=UnavailableKind.OUTDATED_SCHEMA,
            )
        if missing:
            raise database_unavailable_error(
                f"The database lacks the table {missing[0]}: restore it, and run `eggypro db check`"
            )
        if unreadable:
            raise TABLE_PERMISSION.missing_error(unreadable[0], self._database.role)

    def _check_schema_access(self) -> None:
        """Raise UnavailableError if the role sees no tables because it may not use the schema."""
        if self._database.fetch(_HAS_SCHEMA_ACCESS, {}) == [(False,)]:
            raise SCHEMA_PERMISSION.missing_error("public", self._database.role)
