"""Last write of each tag, in memory shared by the processes of a host."""

import fcntl
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from threading import Lock
from zlib import crc32

from eggypro_adapters.disk_space import allocate
from eggypro_core.caching.entries import ALL_TAGS

VERSION_COUNT = 1 << 16
"""Number of versions. Tags that share a version are invalidated together."""
_NUMBER_BYTES = 8
_FILE_BYTES = _NUMBER_BYTES * (VERSION_COUNT + 2)
_EVERYTHING_INDEX = VERSION_COUNT
"""Index of the last write that touched all tags."""
_NEWEST_INDEX = VERSION_COUNT + 1
"""Index of the last write of any tag."""
_FILE_PREFIX = "changes-"
_MAX_GETTERS = 2048
"""Number of tuples of tags whose getters are kept: a few megabytes."""


class SharedVersions:
    """Number of the last transaction that touched each tag. The numbers only grow.

    They are in a file of `folder`, mapped into memory, so that other processes see each write at
    once. If the file cannot be created (full disk, read-only folder), they are private to this
    process, and `problem` is the reason.
    """

    def __init__(self, folder: Path | None, history: str) -> None:
        self._file: int | None = None
        self.problem = ""
        if folder is not None:
            try:
                self._file = _open_file(folder, history)
            except OSError as error:
                self.problem = f"{folder} cannot be written ({error.strerror})"
        self._map = None if self._file is None else _map_for_reading(self._file)
        self._numbers = memoryview(bytearray(_FILE_BYTES) if self._map is None else self._map)
        self._numbers = self._numbers.cast("Q")
        self._lock = Lock()

    def bump(self, number: int, tags: list[str]) -> None:
        """Record that a transaction touched `tags`, which may be empty. May raise OSError.

        File systems that copy on write need space for that, which a full disk does not have.
        """
        with self._lock, self._locked_file():
            for index in (_NEWEST_INDEX, *map(_index_of, tags)):
                if self._numbers[index] < number:
                    self._store(index, number)

    def latest(self, tags: tuple[str, ...]) -> int:
        """Return the number of the last transaction that touched any of the tags."""
        return max(_version_getter(tags)(self._numbers))

    def latest_of_all(self) -> int:
        """Return the number of the last known transaction, with or without tags."""
        return self._numbers[_NEWEST_INDEX]

    def close(self) -> None:
        """Unmap and close the file."""
        self._numbers.release()
        if self._map is not None:
            self._map.close()
        if self._file is not None:
            os.close(self._file)

    def _store(self, index: int, number: int) -> None:
        """Store a number: not through the map, where an error would kill the process."""
        if self._file is None:
            self._numbers[index] = number
        else:
            content = number.to_bytes(_NUMBER_BYTES, sys.byteorder)
            os.pwrite(self._file, content, index * _NUMBER_BYTES)

    @contextmanager
    def _locked_file(self) -> Iterator[None]:
        """Lock the file against writes of other processes. Readers need no lock."""
        if self._file is None:
            yield
            return
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1)


@lru_cache(VERSION_COUNT)
def _index_of(tag: str) -> int:
    return _EVERYTHING_INDEX if tag == ALL_TAGS else crc32(tag.encode()) % VERSION_COUNT


@lru_cache(_MAX_GETTERS)
def _version_getter(tags: tuple[str, ...]) -> Callable[[memoryview], tuple[int, ...]]:
    """Return a function that reads the versions of tags, and that of all tags.

    A list has a tag for each product: this is three times as fast as a loop.
    """
    # The index is given twice: with a single one, itemgetter returns no tuple.
    return itemgetter(_EVERYTHING_INDEX, _EVERYTHING_INDEX, *map(_index_of, tags))


def _open_file(folder: Path, history: str) -> int:
    """Open the file of a history with a shared lock and with space for all numbers."""
    path = folder / f"{_FILE_PREFIX}{history}"
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file).st_nlink:
                _delete_other_files(path)
                allocate(file, _FILE_BYTES)
                return file
        except OSError:
            os.close(file)
            raise
        os.close(file)  # another process deleted the file before the lock


def _map_for_reading(file: int) -> mmap.mmap:
    return mmap.mmap(file, _FILE_BYTES, prot=mmap.PROT_READ)


def _delete_other_files(path: Path) -> None:
    """Delete the files of other histories that no process has open."""
    for unused in path.parent.glob(f"{_FILE_PREFIX}*"):
        if unused == path:
            continue
        with suppress(OSError), unused.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused.unlink()
