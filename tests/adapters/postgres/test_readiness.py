"""The database is ready if it is reachable, migrated, and readable by the role of the process."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.readiness import SCHEMA_TTL_SECONDS, DatabaseCheck
from eggypro_core.errors import UnavailableError, UnavailableKind
from tests.support.postgres_roles import connect_driver, create_role

Connect = Callable[..., Database]


@pytest.fixture
def database(direct_database_url: sa.URL, connect_database: Connect) -> Database:
    return connect_database(direct_database_url)


def set_revision(url: sa.URL, revision: str) -> None:
    with connect_driver(url) as server:
        server.execute("UPDATE alembic_version SET version_num = %s", [revision])


@pytest.mark.parametrize("revision", ["9999", "a1b2c3"])
def test_database_of_this_version_or_a_newer_one_is_ready(
    direct_database_url: sa.URL, database: Database, revision: str
) -> None:
    DatabaseCheck(database)()
    set_revision(direct_database_url, revision)
    DatabaseCheck(database)()


def test_database_without_tables_is_not_ready(
    empty_database_url: sa.URL, connect_database: Connect
) -> None:
    with pytest.raises(UnavailableError, match="run `eggypro db upgrade`") as raised:
        DatabaseCheck(connect_database(empty_database_url))()
    assert raised.value.kind is UnavailableKind.OUTDATED_SCHEMA


def test_database_of_an_older_revision_is_not_ready(
    direct_database_url: sa.URL, database: Database
) -> None:
    set_revision(direct_database_url, "0001")
    with pytest.raises(UnavailableError, match="at revision 0001, older than") as raised:
        DatabaseCheck(database)()
    assert raised.value.kind is UnavailableKind.OUTDATED_SCHEMA


def test_downgraded_database_is_not_ready(direct_database_url: sa.URL, database: Database) -> None:
    with connect_driver(direct_database_url) as server:
        server.execute("DELETE FROM alembic_version")
    with pytest.raises(UnavailableError, match="at revision none"):
        DatabaseCheck(database)()


def test_missing_table_is_named(direct_database_url: sa.URL, database: Database) -> None:
    with connect_driver(direct_database_url) as server:
        server.execute("DROP TABLE reviews")
    with pytest.raises(UnavailableError, match="lacks the table reviews"):
        DatabaseCheck(database)()


@pytest.mark.parametrize("table", ["alembic_version", "reviews"])
def test_unreadable_table_is_named(
    direct_database_url: sa.URL, connect_database: Connect, table: str
) -> None:
    url = create_role(
        direct_database_url,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        f"REVOKE SELECT ON {table} FROM {{role}}",
    )
    check = DatabaseCheck(connect_database(url))
    with pytest.raises(UnavailableError, match=f"No permission on table {table}") as raised:
        check()
    assert raised.value.kind is UnavailableKind.MISCONFIGURED
    with connect_driver(direct_database_url) as server:
        server.execute(f"GRANT SELECT ON {table} TO {url.username}".encode())
    check()


def test_forbidden_schema_is_told_from_a_missing_migration(
    direct_database_url: sa.URL, connect_database: Connect
) -> None:
    url = create_role(direct_database_url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    with pytest.raises(UnavailableError, match="`GRANT USAGE, CREATE ON SCHEMA public TO"):
        DatabaseCheck(connect_database(url))()


def test_usable_schema_is_checked_again_after_its_time(
    direct_database_url: sa.URL, database: Database
) -> None:
    clock = FakeMonotonicClock()
    check = DatabaseCheck(database, clock)
    check()
    set_revision(direct_database_url, "0001")
    clock.now += SCHEMA_TTL_SECONDS - 1
    check()
    clock.now += 1
    for _ in range(2):
        with pytest.raises(UnavailableError):
            check()
