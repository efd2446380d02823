"""Open a temporary SQLite database, whose file is deleted with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eggypro_core.errors import StorageFullError

if TYPE_CHECKING:
    import sqlite3


@contextmanager
def open_temporary_database(purpose: str) -> Iterator["sqlite3.Connection"]:
    """Open a database on disk, in a transaction that is never committed.

    Raises StorageFullError if the temporary folder is full: it has no room `purpose`, such as
    `to sort the file`.
    """
    import sqlite3  # not at the top: other commands start faster without it

    connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            connection.execute(f"PRAGMA {setting}").close()
        connection.execute("BEGIN")
        yield connection
    except sqlite3.OperationalError as error:
        raise StorageFullError(f"The temporary folder has no room {purpose}") from error
    finally:
        connection.close()
