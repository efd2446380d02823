"""Last write of each tag, in memory shared by the processes of a host."""

import fcntl
import mmap
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from zlib import crc32

from eggypro_core.caching.entries import ALL_TAGS

VERSION_COUNT = 1 << 16
"""Number of versions. Tags that share a version are invalidated together."""
_FILE_BYTES = 8 * (VERSION_COUNT + 2)
_EVERYTHING_INDEX = VERSION_COUNT
"""Index of the last write that touched all tags."""
_NEWEST_INDEX = VERSION_COUNT + 1
"""Index of the last write of any tag."""
_FILE_PREFIX = "changes-"


class SharedVersions:
    """Number of the last transaction that touched each tag. The numbers only grow.

    They are in a memory-mapped file of `folder`, so that other processes see each write at once. If
    the file cannot be opened, they are private to this process (see `is_shared`).
    """

    def __init__(self, folder: Path | None, history: str) -> None:
        self._file = _open_file(folder, history) if folder else None
        self._map = mmap.mmap(-1 if self._file is None else self._file, _FILE_BYTES)
        self._numbers = memoryview(self._map).cast("Q")
        self._lock = Lock()

    @property
    def is_shared(self) -> bool:
        """Return whether other processes see the versions."""
        return self._file is not None

    def bump(self, number: int, tags: list[str]) -> None:
        """Record that a transaction touched `tags`, which may be empty."""
        with self._lock:
            self._lock_file(fcntl.LOCK_EX)
            try:
                for index in (_NEWEST_INDEX, *map(_index_of, tags)):
                    self._numbers[index] = max(self._numbers[index], number)
            finally:
                self._lock_file(fcntl.LOCK_UN)

    def latest(self, tags: tuple[str, ...]) -> int:
        """Return the number of the last transaction that touched any of the tags."""
        numbers = self._numbers
        return max(numbers[_EVERYTHING_INDEX], *[numbers[_index_of(tag)] for tag in tags])

    def latest_of_all(self) -> int:
        """Return the number of the last known transaction, with or without tags."""
        return self._numbers[_NEWEST_INDEX]

    def close(self) -> None:
        """Unmap and close the file."""
        self._numbers.release()
        self._map.close()
        if self._file is not None:
            os.close(self._file)

    def _lock_file(self, operation: int) -> None:
        """Lock the file against writes of other processes. Readers need no lock."""
        if self._file is not None:
            fcntl.lockf(self._file, operation, 1)


@lru_cache(VERSION_COUNT)
def _index_of(tag: str) -> int:
    return _EVERYTHING_INDEX if tag == ALL_TAGS else crc32(tag.encode()) % VERSION_COUNT


def _open_file(folder: Path, history: str) -> int | None:
    """Open the file of a history with a shared lock; return None if that is impossible."""
    path = folder / f"{_FILE_PREFIX}{history}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file).st_nlink:
                os.ftruncate(file, _FILE_BYTES)
                _delete_other_files(path)
                return file
            os.close(file)  # another process deleted the file before the lock
    return None


def _delete_other_files(path: Path) -> None:
    """Delete the files of other histories that no process has open."""
    for unused in path.parent.glob(f"{_FILE_PREFIX}*"):
        if unused == path:
            continue
        with suppress(OSError), unused.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused.unlink()
