"""LineWriter: whole lines, written to a file that several processes share."""

import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

STDERR = 2


class LineWriter:
    """Write whole lines to an open file, never interleaved with those of other processes.

    Small writes to a pipe are atomic; a lock on the file protects large ones. Errors are ignored
    (no reader, full disk), as there is nowhere left to log them; the next write ends a line that
    such an error cut off. Has the methods that a
    `StreamHandler` of the standard library needs.
    """

    def __init__(self, file: int = STDERR) -> None:
        self._file = file
        self._lock = Lock()
        self._line_start = b""

    @property
    def is_terminal(self) -> bool:
        """Return whether the file is a terminal."""
        return os.isatty(self._file)

    def write(self, lines: str) -> None:
        """Write `lines`, each with its line break."""
        content = lines.encode(errors="backslashreplace")
        with self._lock, _locked(self._file):
            written = _write_all(self._file, self._line_start + content)
            if written:
                self._line_start = b"" if written.endswith(b"\n") else b"\n"

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""


@contextmanager
def _locked(file: int) -> Iterator[None]:
    """Lock a file against writes of other processes, if it can be locked."""
    with suppress(OSError):
        fcntl.lockf(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_UN)


def _write_all(file: int, content: bytes) -> bytes:
    """Write until the end or an error; return the part that is written."""
    position = 0
    with suppress(OSError):
        while position < len(content):
            try:
                position += os.write(file, memoryview(content)[position:])
            except BlockingIOError:  # another holder of the file set O_NONBLOCK
                select.select([], [file], [])
    return content[:position]
