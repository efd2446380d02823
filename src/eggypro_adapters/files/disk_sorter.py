"""Group any number of rows by key on disk, with SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from eggypro_adapters.temporary_database import open_temporary_database

if TYPE_CHECKING:
    import sqlite3

_TABLE = """
CREATE TABLE rows (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL, line INTEGER NOT NULL, row BLOB NOT NULL
)"""
_ALIASES = "CREATE TABLE aliases (alias TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID"
_INDEX = "CREATE INDEX rows_key ON rows (key)"
_INSERT_ROW = "INSERT INTO rows (key, line, row) VALUES (?, ?, ?)"
_INSERT_ALIAS = "INSERT OR IGNORE INTO aliases (alias, key) VALUES (?, ?)"
_RESOLVE_ALIASES = """
UPDATE rows SET key = (SELECT aliases.key FROM aliases WHERE alias = rows.key)
WHERE key IN (SELECT alias FROM aliases)"""
_GROUPS = """
SELECT firsts.first, rows.number, rows.line, rows.row
FROM (SELECT key, min(number) AS first FROM rows GROUP BY key ORDER BY first) AS firsts
JOIN rows ON rows.key = firsts.key
ORDER BY firsts.first, rows.number"""


class DiskSorter:
    """Group rows by key, with keys in the order of their first rows."""

    def __init__(self, connection: "sqlite3.Connection") -> None:
        self._connection = connection
        self._execute = connection.cursor().execute
        self._has_aliases = False
        for table in (_TABLE, _ALIASES):
            self._execute(table)

    def add(self, key: str, line: int, row: bytes) -> None:
        """Store a row of a key, and the number of its first line."""
        self._execute(_INSERT_ROW, (key, line, row))

    def add_alias(self, alias: str, key: str) -> None:
        """Group the rows of `alias` with those of `key`. The first key of an alias applies."""
        self._has_aliases = True
        self._execute(_INSERT_ALIAS, (alias, key))

    def groups(self) -> Iterator[Iterator[tuple[int, int, int, bytes]]]:
        """Yield the rows of each key.

        A row is a tuple: number of the key's first row, its own number, its line, its content.
        """
        if self._has_aliases:
            self._connection.execute(_RESOLVE_ALIASES)
        self._connection.execute(_INDEX)
        for _, rows in groupby(self._connection.execute(_GROUPS), itemgetter(0)):
            yield rows


@contextmanager
def open_sorter() -> Iterator[DiskSorter]:
    """Open a sorter on a temporary file that is deleted with it.

    Raises UnavailableError if the temporary folder is full.
    """
    with open_temporary_database("to sort the file") as connection:
        yield DiskSorter(connection)
