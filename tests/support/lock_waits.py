"""Waiting until transactions of other threads are blocked by locks, without sleeping."""

from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.database import CompiledStatement, Database

_BLOCKED = CompiledStatement.compile(
    sa.text("""
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
          AND query_start < clock_timestamp() - make_interval(secs => :seconds)
    """)
)


def wait_until_blocked(database: Database, *futures: Future[Any], seconds: float = 0) -> None:
    """Return once each of `futures` has waited for a lock in `database` for `seconds`.

    Raises AssertionError if one of them ends before.
    """
    while database.fetch(_BLOCKED, {"seconds": seconds})[0][0] < len(futures):
        done = [future for future in futures if future.done()]
        assert not done, f"Did not wait for a lock: {done}"
