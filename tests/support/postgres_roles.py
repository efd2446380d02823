"""Roles of the test server: with a password, without a way in, and without rights."""

from contextlib import suppress
from uuid import uuid4

import psycopg
import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until

PASSWORD = "a right password"  # noqa: S105  (for tests only)
_RULES = "('local all egg_password scram-sha-256'), ('local all egg_rejected reject')"
_CREATE_ROLES = f"""
DO $$ BEGIN
  CREATE ROLE egg_password LOGIN PASSWORD '{PASSWORD}';
  CREATE ROLE egg_rejected LOGIN;
  CREATE ROLE egg_nologin;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"""


def connect_driver(url: sa.URL) -> psycopg.Connection[tuple[object, ...]]:
    """Connect to a database, in autocommit mode."""
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(conninfo, autocommit=True)


def create_login_roles(postgres: sa.URL) -> None:
    """Create `egg_password`, who needs PASSWORD, `egg_rejected` and `egg_nologin`. Repeatable."""
    with connect_driver(postgres) as server:
        server.execute(_CREATE_ROLES.encode())
        [file] = server.execute("SHOW hba_file").fetchone() or [""]
        copy = f"COPY (VALUES {_RULES}, ('local all all trust')) TO '{file}'"
        server.execute(copy.encode())
        server.execute("SELECT pg_reload_conf()")
    wait_until(lambda: not _can_connect(postgres.set(username="egg_rejected")))


def create_role(database: sa.URL, *statements: str, options: str = "LOGIN") -> sa.URL:
    """Create a role and run statements about it, which call it `{role}`; return its URL."""
    name = f"egg_{uuid4().hex}"
    with connect_driver(database) as server:
        for statement in (f"CREATE ROLE {{role}} {options}", *statements):
            server.execute(statement.format(role=name).encode())
    return database.set(username=name)


def _can_connect(url: sa.URL) -> bool:
    with suppress(psycopg.OperationalError), connect_driver(url):
        return True
    return False
