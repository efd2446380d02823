"""Invalidation feed: announces the tags of every write to all processes with a cache.

Triggers notify the tags and the transaction number of each write. A read that begins after all
transactions up to a number have ended sees all of them. So the last number of a tag says whether a
cached response can have missed a write, no matter which process rendered or cached it.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

import psycopg
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_adapters.postgres.connection import PoolerCheck, detect_pooler, driver_connection
from eggypro_adapters.postgres.database import HISTORY_SQL, Database
from eggypro_adapters.postgres.errors import translate_errors
from eggypro_adapters.postgres.invalidation.shared_versions import SharedVersions
from eggypro_core.caching.entries import Snapshot
from eggypro_core.errors import UnavailableError

HEARTBEAT_SECONDS, LEASE_SECONDS = 1.0, 2.5
"""Seconds between two pings of the database, and the seconds for which a response is valid.

A connection can hang without an error, and miss the writes of others.
"""
RECONNECT_PAUSE_SECONDS = 0.5
"""Seconds between two attempts to connect."""
MAX_HISTORIES = 8
"""The most histories whose versions are open at once: each start of a server begins another."""
_LISTEN = "LISTEN eggypro"
_XMAX = "CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
_NEWEST_TRIGGER_FUNCTION = "eggypro_search_touched"
"""A function of the newest migration of triggers: without it, writes do not touch all our tags."""
_INITIAL_STATE = (
    f"SELECT {HISTORY_SQL}, {_XMAX}, to_regproc('{_NEWEST_TRIGGER_FUNCTION}') IS NOT NULL"
)
# A transaction of another database cannot write to the products of this one. The list of running
# transactions is read after the snapshot: one with a number of the snapshot had it before.
_SNAPSHOT = f"""
SELECT coalesce(min(CAST(CAST(running AS text) AS bigint)), {_XMAX}), {_XMAX}
FROM pg_snapshot_xip(pg_current_snapshot()) AS running
WHERE NOT EXISTS (
  SELECT FROM pg_stat_activity
  WHERE backend_xid = CAST(running AS xid) AND datname <> current_database())"""
_INVALIDATE_ALL = sa.text("SELECT eggypro_touch('*')")
_log = logging.getLogger(__name__)


@frozen
class _FeedState:
    """A history, and the first transaction number from which all writes are received."""

    history: str
    first_number: int
    versions: SharedVersions


class WriteVersions:
    """Versions of the tags known to this process, by history of the database.

    `clock` returns seconds; the lease of the feed is measured by it.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._folder = folder
        self._lock = Lock()
        self._versions: dict[str, SharedVersions] = {}
        self._lease = ("", 0.0)

    def record(self, history: str, number: int, tags: str) -> None:
        """Record that a transaction touched `tags`, separated by spaces."""
        self.for_history(history).bump(number, tags.split())
        if history != self._lease[0]:  # after a failover, while the feed listens to the old server
            self._lease = ("", 0.0)

    def advance(self, snapshot: Snapshot, until: float) -> None:
        """Record that all transactions before `snapshot` have ended, and extend the lease."""
        self.for_history(snapshot.history).bump(snapshot.number - 1, [])
        self._lease = (snapshot.history, until)

    def required_version(self) -> int | None:
        """Return the number from which a read sees all known writes.

        None without a lease: writes of other processes are unknown then.
        """
        history, until = self._lease
        return self.for_history(history).latest_of_all() + 1 if self.clock() < until else None

    def for_history(self, history: str) -> SharedVersions:
        """Return the versions of a history, shared with other processes as soon as possible."""
        with self._lock:
            versions = self._versions.pop(history, None)
            if versions is None:
                versions = SharedVersions(self._folder, history)
            elif versions.problem:
                versions = self._retry_sharing(versions, history)
            self._versions[history] = versions  # the last one: used most recently
            if len(self._versions) > MAX_HISTORIES:
                self._versions.pop(next(iter(self._versions))).close()
            return versions

    def _retry_sharing(self, private: SharedVersions, history: str) -> SharedVersions:
        versions = SharedVersions(self._folder, history)
        if versions.problem:
            return private
        versions.bump(private.latest_of_all(), [])
        return versions

    def close(self) -> None:
        """Close the versions of all histories."""
        for versions in self._versions.values():
            versions.close()


def invalidate_all(database: Database) -> None:
    """Invalidate all cached responses of all processes. Raises UnavailableError."""
    database.run_transaction(touch_all)


def touch_all(connection: sa.Connection) -> None:
    """Invalidate all cached responses when this transaction commits."""
    connection.execute(_INVALIDATE_ALL)


class PostgresInvalidationFeed:
    """Receive the tags of all writes on a dedicated connection, which must not use a pooler."""

    def __init__(
        self, database: Database, versions: WriteVersions, pooler: PoolerCheck = detect_pooler
    ) -> None:
        self._database = database
        self._versions = versions
        self._pooler = pooler
        self._state: _FeedState | None = None
        self._snapshot = Snapshot("", 0)
        self._valid_until = 0.0
        self._problem = ""
        self._is_logged = False
        self._loop = BackgroundLoop("changes", self._run)
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def running(self) -> Iterator["PostgresInvalidationFeed"]:
        """Listen until the end of the block."""
        self._loop.wake()
        try:
            yield self
        finally:
            self._loop.stop(timeout=0)
            if (connection := self._connection) is not None:
                connection.close()  # otherwise the loop would wait for another heartbeat
            self._loop.stop()

    def snapshot(self) -> Snapshot | None:
        return self._snapshot if self._versions.clock() < self._valid_until else None

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        state = self._state
        if state is None or snapshot.history != state.history:
            return True
        # Otherwise the read may lack a write that ended before this process received writes.
        if snapshot.number < state.first_number and snapshot.end <= state.first_number:
            return True
        return state.versions.latest(tags) >= snapshot.number

    def _run(self) -> float | None:
        """Listen until an error; return the seconds until the next attempt, None to stop."""
        pause: float | None = RECONNECT_PAUSE_SECONDS
        try:
            with translate_errors(self._database.role):
                pause = self._listen()
        except (UnavailableError, psycopg.Error) as error:  # the latter: closed by `running`
            if not self._is_logged and not self._loop.is_stopping:
                self._is_logged = True
                _log.warning(
                    "Responses are not cached while the invalidation feed is disconnected. %s",
                    error,
                )
        self._valid_until = 0.0
        return pause

    def _listen(self) -> float | None:
        pooled = self._database.engine.raw_connection()
        connection = self._connection = driver_connection(pooled)
        pooled.detach()
        connection.response_timeout = LEASE_SECONDS
        with connection:
            if self._pooler(connection):
                _log.warning(
                    "Responses are not cached: invalidations cannot be received through a"
                    " connection pooler. Set POSTGRES_URL_NON_POOLING."
                )
                return None
            connection.execute(_LISTEN)
            state = self._initial_state(connection)
            self._report_problem(state.versions.problem)
            while not self._loop.is_stopping and self._is_current(state):
                self._renew_lease(connection, state)
        return RECONNECT_PAUSE_SECONDS

    def _is_current(self, state: _FeedState) -> bool:
        """Return False if versions that were private can be shared by now."""
        return self._versions.for_history(state.history) is state.versions

    def _report_problem(self, problem: str) -> None:
        """Log the reason why versions are not shared, once."""
        if problem and not self._problem:
            _log.warning(
                "Responses are not cached: %s, so workers cannot share what they write. Free disk"
                " space, or set EGGYPRO_DATA_DIR to another folder.",
                problem,
            )
        self._problem = problem

    def _initial_state(self, connection: psycopg.Connection[Any]) -> _FeedState:
        """Return the state from which every write is received; earlier ones may be missed."""
        row = connection.execute(_INITIAL_STATE).fetchone()
        history, first_number, has_triggers = row or ("", 0, False)
        if not has_triggers:
            raise UnavailableError("The database has the triggers of an earlier version.")
        return _FeedState(history, first_number, self._versions.for_history(history))

    def _renew_lease(self, connection: psycopg.Connection[Any], state: _FeedState) -> None:
        now = self._versions.clock()
        row = connection.execute(_SNAPSHOT).fetchone()
        snapshot = Snapshot(state.history, *(row or (0, 0)))
        # First, so that replicas must reach the snapshot before a response claims it.
        self._versions.advance(snapshot, now + LEASE_SECONDS)
        # Only after a successful read: until the database is surely back, cached responses remain.
        self._state = state
        # Writes of other processes may be notified late, so responses need shared versions.
        until = 0.0 if state.versions.problem else now + LEASE_SECONDS
        self._snapshot, self._valid_until = snapshot, until
        self._is_logged = False
        for notice in connection.notifies(timeout=HEARTBEAT_SECONDS, stop_after=1):
            number, _, tags = notice.payload.partition(" ")
            state.versions.bump(int(number), tags.split())
