"""Lines to a file that several processes write to at once."""

import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

STDERR = 2


class LineWriter:
    """Writes whole lines to an open file: nobody's line begins within another's.

    A pipe keeps small writes together; a lock on the file itself does so with large ones. Where
    nobody reads it, or its disk is full, there is nobody left to tell. As a stream it has all that
    a handler of the standard library needs.
    """

    def __init__(self, file: int = STDERR) -> None:
        self._file = file
        self._lock = Lock()

    @property
    def is_terminal(self) -> bool:
        """Whether people look at it."""
        return os.isatty(self._file)

    def write(self, lines: str) -> None:
        """Write lines, with the line breaks at their ends."""
        with self._lock, _locked(self._file), suppress(OSError):
            _write_all(self._file, lines.encode(errors="backslashreplace"))

    def flush(self) -> None:
        """Do nothing: all that was written is on its way."""


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """Keep other processes from writing to a file, if it can be locked."""
    with suppress(OSError):
        fcntl.lockf(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN)


def _write_all(file: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        try:
            rest = rest[os.write(file, rest) :]
        except BlockingIOError:  # somebody who has the other end made it so
            select.select([], [file], [])
