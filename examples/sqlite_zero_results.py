"""A custom adapter: the port `ZeroResultStore` in a SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Lock

from eggypro_core import UnavailableError, ZeroResultSearch
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS

# NORMAL: a search does not wait for the disk. A power failure may lose the latest counts only.
SCHEMA = """PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS zero_results (
    words TEXT PRIMARY KEY, times INTEGER NOT NULL, last_at TEXT NOT NULL)"""
MAKE_ROOM = f"""DELETE FROM zero_results
    WHERE NOT EXISTS (SELECT 1 FROM zero_results WHERE words = :words)
    AND words IN (SELECT words FROM zero_results ORDER BY times DESC, last_at DESC
        LIMIT -1 OFFSET {MAX_ZERO_RESULT_TERMS - 1})"""
COUNT = """INSERT INTO zero_results VALUES (:words, 1, :at) ON CONFLICT (words)
    DO UPDATE SET times = times + 1, last_at = max(last_at, excluded.last_at)"""
LIST = """SELECT words, times, last_at FROM zero_results
    ORDER BY times DESC, last_at DESC, words LIMIT ?"""


class SqliteZeroResultStore:
    """Count zero-result searches in a SQLite file. Waits 0.1 s for locks of other processes."""

    def __init__(self, file: Path) -> None:
        self._lock = Lock()
        with _translated():
            self._connection = sqlite3.connect(file, timeout=0.1, check_same_thread=False)
        with self._transaction() as connection:
            connection.executescript(SCHEMA)

    def record(self, words: str, at: datetime) -> None:
        values = {"words": words, "at": at.isoformat(timespec="microseconds")}
        with self._transaction() as connection:
            connection.execute(MAKE_ROOM, values)
            connection.execute(COUNT, values)

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        with self._transaction() as connection:
            rows = connection.execute(LIST, [limit]).fetchall()
        return tuple(
            ZeroResultSearch(words, times, datetime.fromisoformat(at)) for words, times, at in rows
        )

    def clear(self) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM zero_results")

    def prune(self, before: datetime) -> int:
        with self._transaction() as connection:
            values = (before.isoformat(),)
            return connection.execute("DELETE FROM zero_results WHERE last_at < ?", values).rowcount

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _translated(), self._lock, self._connection:
            yield self._connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise UnavailableError("The file of zero-result searches is unavailable") from error
