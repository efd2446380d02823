"""Tell in a test that another thread's transaction waits for a lock, without sleeping."""

from concurrent.futures import Future
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.database import Database, Statement

_BLOCKED = Statement.of(
    sa.text("""
        SELECT EXISTS (
          SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'
            AND query_start < clock_timestamp() - make_interval(secs => :seconds)
        )
    """)
)


def wait_until_blocked(database: Database, work: Future[Any], *, seconds: float = 0) -> None:
    """Return once a transaction in `database` has waited for a lock for so many seconds.

    Raises AssertionError if `work` ends without that.
    """
    while not database.read(_BLOCKED, {"seconds": seconds})[0][0]:
        assert not work.done(), f"Waited for no lock: {work}"
