"""A second schema, in which a database is built, and which then takes the place of the first.

All within one transaction: until its end, the tables in use are neither changed nor locked.
"""

from collections.abc import Sequence
from secrets import token_hex
from time import monotonic, sleep

import psycopg
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.errors import LOCK_NOT_AVAILABLE_STATE, is_retryable
from eggypro_adapters.postgres.schema import metadata
from eggypro_core.errors import ConflictError, UnavailableError

LOCK_ATTEMPT_MS = 500
"""Milliseconds for which the attempt to lock the tables in use may delay others."""
LOCK_WAIT_SECONDS = 60.0
"""Seconds after which a restore gives up, if others keep the tables locked."""
_PAUSE_SECONDS = 0.5
"""Seconds between two attempts, in which those that waited go on."""
TABLES = ["alembic_version", *metadata.tables]
_SEARCH_PATH = sa.text("SELECT current_setting('search_path'), quote_ident(current_schema())")
_SET_SEARCH_PATH = sa.text("SELECT set_config('search_path', :path, true)")
_OWNER = sa.text("""
SELECT quote_ident(tableowner), pg_has_role(tableowner, 'MEMBER') FROM pg_tables
WHERE schemaname = current_schema() AND tablename = ANY(:tables) AND tableowner <> current_user
ORDER BY tablename = 'products' DESC LIMIT 1
""")
_EXISTING_TABLES = sa.text("""
SELECT quote_ident(tablename) FROM pg_tables
WHERE schemaname = current_schema() AND tablename = ANY(:tables) ORDER BY tablename
""")
_OBJECTS = sa.text("""
SELECT CASE prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS kind,
  format('%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS name
FROM pg_proc WHERE pronamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'TEXT SEARCH CONFIGURATION', quote_ident(cfgname)
FROM pg_ts_config WHERE cfgnamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'TEXT SEARCH DICTIONARY', quote_ident(dictname)
FROM pg_ts_dict WHERE dictnamespace = CAST(:schema AS regnamespace)
UNION ALL
SELECT 'TABLE', quote_ident(relname)
FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = CAST(:schema AS regnamespace)
""")
_GRANTS = sa.text("""
SELECT format('GRANT %s ON %s %I TO %s%s', privilege_type,
  CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname,
  CASE grantee WHEN 0 THEN 'PUBLIC' ELSE CAST(CAST(grantee AS regrole) AS text) END,
  CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class CROSS JOIN LATERAL aclexplode(relacl)
WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p', 'S')
  AND grantee <> relowner AND (relname = ANY(:tables) OR EXISTS (
    SELECT FROM pg_depend JOIN pg_class AS parent ON parent.oid = refobjid
    WHERE objid = pg_class.oid AND deptype IN ('i', 'a') AND parent.relname = ANY(:tables)))
""")


@frozen
class SchemaSwap:
    """The schema in use, and the one that replaces it. Both names are quoted.

    They are the same if the schema in use has no tables of the shop.
    """

    _connection: sa.Connection
    _search_path: str
    used: str
    new: str

    @classmethod
    def begin(cls, connection: sa.Connection) -> "SchemaSwap":
        """Create the new schema, and put it before the one in use in the search path."""
        search_path, used = connection.execute(_SEARCH_PATH).one()
        if used is None:
            raise ConflictError(
                "No schema to restore into: create the schema public, or grant USAGE on it"
            )
        if not existing_tables(connection):
            return cls(connection, search_path, used, used)
        new = f"eggypro_restore_{token_hex(4)}"
        owner, is_member = connection.execute(_OWNER, {"tables": TABLES}).first() or ("", True)
        if not is_member:
            raise ConflictError(
                f"Nothing was restored: the tables belong to role {owner}."
                " Connect as that role with POSTGRES_URL_NON_POOLING"
            )
        _create_schema(connection, new, owner)
        if owner:
            connection.execute(sa.text(f"SET LOCAL ROLE {owner}"))
        connection.execute(_SET_SEARCH_PATH, {"path": f"{new}, {search_path}"})
        return cls(connection, search_path, used, new)

    @property
    def is_swap(self) -> bool:
        """Return whether there are tables to replace."""
        return self.new != self.used

    def lock_used_tables(self) -> None:
        """Lock the tables in use, also against readers, until the end of the transaction.

        Raises UnavailableError after LOCK_WAIT_SECONDS.
        """
        connection = self._connection
        self._search_in(self.used)
        names = ", ".join(f"{self.used}.{name}" for name in existing_tables(connection))
        deadline = monotonic() + LOCK_WAIT_SECONDS
        while not _try_lock(connection, names):
            if monotonic() > deadline:
                raise UnavailableError(
                    "Other connections keep the tables locked: nothing was restored."
                    " End long transactions, or try again later"
                )
            sleep(_PAUSE_SECONDS)

    def finish(self) -> None:
        """Drop the tables in use, and move the new ones to their place, with the same rights.

        Raises ConflictError if other objects, such as views, depend on the tables.
        """
        run, parameters = self._connection.execute, {"tables": TABLES}
        self._search_in(self.used)
        grants = run(_GRANTS, {**parameters, "schema": self.used}).scalars().all()
        objects = run(_OBJECTS, {"schema": self.new}).all()
        names = ", ".join(existing_tables(self._connection))
        try:
            run(sa.text(f"DROP TABLE {names}"))
            for kind, name in objects:
                run(sa.text(f"DROP {kind} IF EXISTS {self.used}.{name}"))
        except sa.exc.DBAPIError as error:
            raise _dependency_error(error) from None
        for kind, name in objects:
            run(sa.text(f"ALTER {kind} {self.new}.{name} SET SCHEMA {self.used}"))
        run(sa.text(f"DROP SCHEMA {self.new}"))
        for grant in grants:
            run(sa.text(grant))
        run(_SET_SEARCH_PATH, {"path": self._search_path})

    def _search_in(self, schema: str) -> None:
        self._connection.execute(_SET_SEARCH_PATH, {"path": schema})


def existing_tables(connection: sa.Connection) -> Sequence[str]:
    """Return the quoted names of the shop's tables in the current schema."""
    return connection.scalars(_EXISTING_TABLES, {"tables": TABLES}).all()


def _try_lock(connection: sa.Connection, names: str) -> bool:
    """Lock tables against all others. Return False if that takes longer than LOCK_ATTEMPT_MS."""
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"SET LOCAL lock_timeout = {LOCK_ATTEMPT_MS}"))
            connection.execute(sa.text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    except sa.exc.DBAPIError as error:
        if is_retryable(error) or _state(error) == LOCK_NOT_AVAILABLE_STATE:
            return False
        raise
    return True


def _state(error: sa.exc.DBAPIError) -> str | None:
    return error.orig.sqlstate if isinstance(error.orig, psycopg.Error) else None


def _create_schema(connection: sa.Connection, name: str, owner: str) -> None:
    """Create a schema for a role, by default the current one. Raises ConflictError."""
    authorization = f" AUTHORIZATION {owner}" if owner else ""
    try:
        connection.execute(sa.text(f"CREATE SCHEMA {name}{authorization}"))
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.errors.InsufficientPrivilege):
            raise
        raise ConflictError(
            "Nothing was restored: the role may not create schemas in the database."
            " Run GRANT CREATE ON DATABASE as the owner of the database"
        ) from None


def _dependency_error(error: sa.exc.DBAPIError) -> Exception:
    """Return the ConflictError for objects that depend on a table, other errors unchanged."""
    original = error.orig
    if not isinstance(original, psycopg.errors.DependentObjectsStillExist):
        return error
    detail = (original.diag.message_detail or "").partition("\n")[0]
    return ConflictError(
        f"Nothing was restored: {detail}. Drop it first, and create it again later"
    )
