"""What is written to a shop, told by Postgres to everybody who keeps answers.

Triggers name the tags of each write. Its transaction has a number; a read that begins when all
transactions up to a number are over has seen them. So a tag's last number tells whether an answer
can have missed a write, wherever the answer was made and wherever it is kept.
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
from eggypro_adapters.postgres.database import (
    HISTORY_SQL,
    SNAPSHOT_XMIN_SQL,
    Database,
    PoolerCheck,
    detect_pooler,
    driver_connection,
)
from eggypro_adapters.postgres.errors import translate_errors
from eggypro_adapters.postgres.invalidation.shared_versions import SharedVersions
from eggypro_core.caching.entries import Snapshot
from eggypro_core.errors import UnavailableError

HEARTBEAT_SECONDS, LEASE_SECONDS = 1.0, 2.5
"""Every so many seconds the database is asked whether it is there; an answer is good for so many.

A connection can fall silent without an error: then others may write what nobody hears of here.
"""
RECONNECT_PAUSE_SECONDS = 0.5
"""Seconds between two attempts to hear of writes."""
_LISTEN = "LISTEN eggypro"
_SNAPSHOT_XMAX = (
    f"SELECT {HISTORY_SQL}, CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
)
_INVALIDATE_ALL = sa.text("SELECT eggypro_touch('*')")
_log = logging.getLogger(__name__)


@frozen
class _FeedState:
    """A history, from the number on from which all its writes are heard of."""

    history: str
    first_number: int
    versions: SharedVersions


class WriteVersions:
    """The writes that are known here, by the history of the database that they are of.

    What is heard holds for some seconds of the `clock`.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._folder = folder
        self._lock = Lock()
        self._versions: dict[str, SharedVersions] = {}
        self._lease = ("", 0.0)

    def record(self, history: str, number: int, tags: str) -> None:
        """Note that a transaction touched some tags, with spaces between them."""
        self.for_history(history).bump(number, tags.split())
        if history != self._lease[0]:  # another server took over, and who listens hears the former
            self._lease = ("", 0.0)

    def advance(self, seen: Snapshot, until: float) -> None:
        """Note up to where all transactions are over, and until when others will be heard of."""
        self.for_history(seen.history).bump(seen.number - 1, [])
        self._lease = (seen.history, until)

    def required_version(self) -> int | None:
        """Return from which number on a read sees all that is known here to be written.

        None while nobody here hears of what others write.
        """
        history, until = self._lease
        return self.for_history(history).latest_of_all() + 1 if self.clock() < until else None

    def for_history(self, history: str) -> SharedVersions:
        """Return the last writes of a history."""
        with self._lock:
            if history not in self._versions:
                self._versions[history] = SharedVersions(self._folder, history)
            return self._versions[history]

    def close(self) -> None:
        """Let go of all of them."""
        for slots in self._versions.values():
            slots.close()


def invalidate_all(database: Database) -> None:
    """Have nobody give an answer that was made before now. Raises UnavailableError."""
    database.run_transaction(lambda connection: connection.execute(_INVALIDATE_ALL))


class PostgresInvalidationFeed:
    """Hears of all writes, by a connection of its own which is never a pooler's."""

    def __init__(
        self, database: Database, versions: WriteVersions, pooler: PoolerCheck = detect_pooler
    ) -> None:
        self._database = database
        self._versions = versions
        self._pooler = pooler
        self._state: _FeedState | None = None
        self._snapshot = Snapshot("", 0)
        self._valid_until = 0.0
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
                connection.close()  # or it would be listened to for another BEAT
            self._loop.stop()

    def snapshot(self) -> Snapshot | None:
        return self._snapshot if self._versions.clock() < self._valid_until else None

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        known = self._state
        if (
            known is None
            or snapshot.history != known.history
            or snapshot.number < known.first_number
        ):
            return True
        return known.versions.latest(tags) >= snapshot.number

    def _run(self) -> float | None:
        """Listen until that fails; return the seconds until the next attempt, None for none."""
        pause: float | None = RECONNECT_PAUSE_SECONDS
        try:
            with translate_errors():
                pause = self._listen()
        except (UnavailableError, psycopg.Error) as error:  # the other: closed under its hands
            if self._valid_until and not self._loop.is_stopping:
                _log.warning("No answers are kept while the database is not heard. %s", error)
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
                    "Answers are not kept: a pooler stands before the database, behind which nobody"
                    " hears of writes. Set POSTGRES_URL_NON_POOLING."
                )
                return None
            connection.execute(_LISTEN)
            known = self._initial_state(connection)
            while not self._loop.is_stopping:
                self._renew_lease(connection, known)
        return RECONNECT_PAUSE_SECONDS

    def _initial_state(self, connection: psycopg.Connection[Any]) -> _FeedState:
        """Know from now on of every write: of those that may have begun before, nothing."""
        history, since = connection.execute(_SNAPSHOT_XMAX).fetchone() or ("", 0)
        return _FeedState(history, since, self._versions.for_history(history))

    def _renew_lease(self, connection: psycopg.Connection[Any], known: _FeedState) -> None:
        asked = self._versions.clock()
        row = connection.execute(SNAPSHOT_XMIN_SQL).fetchone()
        seen = Snapshot(known.history, row[0] if row else 0)
        self._versions.advance(
            seen, asked + LEASE_SECONDS
        )  # first, so that no replica is asked for less
        self._state = known  # only now: while it may be away again, what was kept is not over
        self._snapshot, self._valid_until = seen, asked + LEASE_SECONDS
        for notice in connection.notifies(timeout=HEARTBEAT_SECONDS, stop_after=1):
            number, _, tags = notice.payload.partition(" ")
            known.versions.bump(int(number), tags.split())
