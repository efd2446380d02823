"""Rows brought together by a key on disk, however many there are."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter

from eggypro_core.errors import UnavailableError

_TABLE = """
CREATE TABLE rows (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, line INTEGER NOT NULL, row BLOB NOT NULL
)"""
_INDEX = "CREATE INDEX rows_key ON rows (key)"
_PUT = "INSERT INTO rows (key, line, row) VALUES (?, ?, ?)"
_GROUPS = """
SELECT firsts.first, rows.number, rows.line, rows.row
FROM (SELECT key, min(number) AS first FROM rows GROUP BY key ORDER BY first) AS firsts
JOIN rows ON rows.key = firsts.key
ORDER BY firsts.first, rows.number"""


class Sorter:
    """Takes rows in any order, and gives them back by key, each key where its first row stood."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._put = connection.cursor().execute
        self._put(_TABLE)

    def put(self, key: str, line: int, row: bytes) -> None:
        """Keep a row of a key, and the line on which it began."""
        self._put(_PUT, (key, line, row))

    def groups(self) -> Iterator[Iterator[tuple[int, int, int, bytes]]]:
        """Return the rows of each key.

        Of each: the number among all rows of the key's first one, its own, its line, the row.
        """
        self._connection.execute(_INDEX)
        for _, rows in groupby(self._connection.execute(_GROUPS), itemgetter(0)):
            yield rows


@contextmanager
def opened() -> Iterator[Sorter]:
    """Open a sorter whose file, in the temporary folder, is gone with it.

    Raises UnavailableError where there is no room for it.
    """
    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            connection.execute(f"PRAGMA {setting}").close()
        connection.execute("BEGIN")
        yield Sorter(connection)
    except sqlite3.OperationalError as error:
        raise UnavailableError("The temporary folder has no room to sort the file in") from error
    finally:
        connection.close()
