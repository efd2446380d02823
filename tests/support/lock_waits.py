"""Tell in a test that other threads' transactions wait for locks, without sleeping."""

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


def wait_until_blocked(database: Database, *works: Future[Any], seconds: float = 0) -> None:
    """Return once each of `works` has waited for a lock in `database` for so many seconds.

    Raises AssertionError if one of them ends before.
    """
    while database.fetch(_BLOCKED, {"seconds": seconds})[0][0] < len(works):
        done = [work for work in works if work.done()]
        assert not done, f"Waited for no lock: {done}"
