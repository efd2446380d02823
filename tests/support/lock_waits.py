"""Transactions of other threads: wait until locks block them, or terminate them."""

from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres.database import CompiledStatement, Database
from tests.support.postgres_roles import connect_driver

_BLOCKED = CompiledStatement.compile(
    sa.text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND query_start < clock_timestamp() - make_interval(secs => :seconds)
    """)
)


def wait_until_blocked(database: Database, *futures: Future[Any], seconds: float = 0) -> None:
    """Return once each of `futures` has waited for a lock in `database` for `seconds`.

    Raises AssertionError if one of them ends before, or does not wait before the timeout.
    """

    def are_blocked() -> bool:
        if database.fetch(_BLOCKED, {"seconds": seconds})[0][0] >= len(futures):
            return True
        done = [future for future in futures if future.done()]
        assert not done, f"Did not wait for a lock: {done}"
        return False

    wait_until(are_blocked)


def terminate_connections(url: sa.URL) -> None:
    """Terminate all connections to a database, and wait until they are closed."""
    source = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with connect_driver(url) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 5000) {source}".encode())
