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
    HISTORY,
    SEEN,
    Database,
    PoolerCheck,
    driver,
    found_out,
)
from eggypro_adapters.postgres.errors import translated
from eggypro_adapters.postgres.invalidation.shared_versions import Slots
from eggypro_core.caching.entries import Moment
from eggypro_core.errors import UnavailableError

BEAT, LEASE = 1.0, 2.5
"""Every so many seconds the database is asked whether it is there; an answer is good for so many.

A connection can fall silent without an error: then others may write what nobody hears of here.
"""
PAUSE = 0.5
"""Seconds between two attempts to hear of writes."""
_LISTEN = "LISTEN eggypro"
_BEGIN = f"SELECT {HISTORY}, CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)"
_TOUCH_ALL = sa.text("SELECT eggypro_touch('*')")
_log = logging.getLogger(__name__)


@frozen
class _Known:
    """A history, from the number on from which all its writes are heard of."""

    history: str
    since: int
    slots: Slots


class Written:
    """The writes that are known here, by the history of the database that they are of.

    What is heard holds for some seconds of the `clock`.
    """

    def __init__(self, folder: Path | None, clock: Callable[[], float] = monotonic) -> None:
        self.clock = clock
        self._folder = folder
        self._lock = Lock()
        self._slots: dict[str, Slots] = {}
        self._heard = ("", 0.0)

    def note(self, history: str, number: int, tags: str) -> None:
        """Note that a transaction touched some tags, with spaces between them."""
        self.of(history).raise_to(number, tags.split())
        if history != self._heard[0]:  # another server took over, and who listens hears the former
            self._heard = ("", 0.0)

    def hear(self, seen: Moment, until: float) -> None:
        """Note up to where all transactions are over, and until when others will be heard of."""
        self.of(seen.history).raise_to(seen.number - 1, [])
        self._heard = (seen.history, until)

    def needed(self) -> int | None:
        """Return from which number on a read sees all that is known here to be written.

        None while nobody here hears of what others write.
        """
        history, until = self._heard
        return self.of(history).newest() + 1 if self.clock() < until else None

    def of(self, history: str) -> Slots:
        """Return the last writes of a history."""
        with self._lock:
            if history not in self._slots:
                self._slots[history] = Slots(self._folder, history)
            return self._slots[history]

    def close(self) -> None:
        """Let go of all of them."""
        for slots in self._slots.values():
            slots.close()


def touch_everything(database: Database) -> None:
    """Have nobody give an answer that was made before now. Raises UnavailableError."""
    database.write(lambda connection: connection.execute(_TOUCH_ALL))


class PostgresChanges:
    """Hears of all writes, by a connection of its own which is never a pooler's."""

    def __init__(
        self, database: Database, written: Written, pooler: PoolerCheck = found_out
    ) -> None:
        self._database = database
        self._written = written
        self._pooler = pooler
        self._known: _Known | None = None
        self._seen = Moment("", 0)
        self._until = 0.0
        self._loop = BackgroundLoop("changes", self._run)
        self._connection: psycopg.Connection[Any] | None = None

    @contextmanager
    def running(self) -> Iterator["PostgresChanges"]:
        """Listen until the end of the block."""
        self._loop.wake()
        try:
            yield self
        finally:
            self._loop.stop(timeout=0)
            if (connection := self._connection) is not None:
                connection.close()  # or it would be listened to for another BEAT
            self._loop.stop()

    def seen(self) -> Moment | None:
        return self._seen if self._written.clock() < self._until else None

    def outdated(self, seen: Moment, tags: tuple[str, ...]) -> bool:
        known = self._known
        if known is None or seen.history != known.history or seen.number < known.since:
            return True
        return known.slots.last(tags) >= seen.number

    def _run(self) -> float | None:
        """Listen until that fails; return the seconds until the next attempt, None for none."""
        pause: float | None = PAUSE
        try:
            with translated():
                pause = self._listen()
        except (UnavailableError, psycopg.Error) as error:  # the other: closed under its hands
            if self._until and not self._loop.is_stopping:
                _log.warning("No answers are kept while the database is not heard. %s", error)
        self._until = 0.0
        return pause

    def _listen(self) -> float | None:
        pooled = self._database.engine.raw_connection()
        connection = self._connection = driver(pooled)
        pooled.detach()
        connection.patience = LEASE
        with connection:
            if self._pooler(connection):
                _log.warning(
                    "Answers are not kept: a pooler stands before the database, behind which nobody"
                    " hears of writes. Set POSTGRES_URL_NON_POOLING."
                )
                return None
            connection.execute(_LISTEN)
            known = self._begin(connection)
            while not self._loop.is_stopping:
                self._hear(connection, known)
        return PAUSE

    def _begin(self, connection: psycopg.Connection[Any]) -> _Known:
        """Know from now on of every write: of those that may have begun before, nothing."""
        history, since = connection.execute(_BEGIN).fetchone() or ("", 0)
        return _Known(history, since, self._written.of(history))

    def _hear(self, connection: psycopg.Connection[Any], known: _Known) -> None:
        asked = self._written.clock()
        row = connection.execute(SEEN).fetchone()
        seen = Moment(known.history, row[0] if row else 0)
        self._written.hear(seen, asked + LEASE)  # first, so that no replica is asked for less
        self._known = known  # only now: while it may be away again, what was kept is not over
        self._seen, self._until = seen, asked + LEASE
        for notice in connection.notifies(timeout=BEAT, stop_after=1):
            number, _, tags = notice.payload.partition(" ")
            known.slots.raise_to(int(number), tags.split())
