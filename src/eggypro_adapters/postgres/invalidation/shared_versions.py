"""The last writes that are known on this host, in memory that its processes share."""

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
"""How many numbers there are. Two tags that share one are outdated together."""
_FILE_BYTES = 8 * (VERSION_COUNT + 2)
_EVERYTHING_INDEX = VERSION_COUNT
"""The place of the last write that touched everything."""
_NEWEST_INDEX = VERSION_COUNT + 1
"""The place of the last write of any kind."""
_FILE_PREFIX = "changes-"


class SharedVersions:
    """For each tag the number of the last transaction that touched it. They only grow.

    They lie in a file of the folder, mapped by all who open it: what one writes the others see at
    once. Where it cannot be had they are this process's own (`is_shared` tells).
    """

    def __init__(self, folder: Path | None, history: str) -> None:
        self._file = _open_file(folder, history) if folder else None
        self._map = mmap.mmap(-1 if self._file is None else self._file, _FILE_BYTES)
        self._numbers = memoryview(self._map).cast("Q")
        self._lock = Lock()

    @property
    def is_shared(self) -> bool:
        """Whether other processes see them."""
        return self._file is not None

    def bump(self, number: int, tags: list[str]) -> None:
        """Note that a transaction touched some tags, or none."""
        with self._lock:
            self._lock_file(fcntl.LOCK_EX)
            try:
                for place in (_NEWEST_INDEX, *map(_index_of, tags)):
                    self._numbers[place] = max(self._numbers[place], number)
            finally:
                self._lock_file(fcntl.LOCK_UN)

    def latest(self, tags: tuple[str, ...]) -> int:
        """Return the number of the last transaction that touched any of the tags."""
        numbers = self._numbers
        return max(numbers[_EVERYTHING_INDEX], *[numbers[_index_of(tag)] for tag in tags])

    def latest_of_all(self) -> int:
        """Return the number of the last transaction that is known, whatever it touched."""
        return self._numbers[_NEWEST_INDEX]

    def close(self) -> None:
        """Let go of them."""
        self._numbers.release()
        self._map.close()
        if self._file is not None:
            os.close(self._file)

    def _lock_file(self, operation: int) -> None:
        """Keep other processes from raising a number at the same time. Readers need no lock."""
        if self._file is not None:
            fcntl.lockf(self._file, operation, 1)


@lru_cache(VERSION_COUNT)
def _index_of(tag: str) -> int:
    return _EVERYTHING_INDEX if tag == ALL_TAGS else crc32(tag.encode()) % VERSION_COUNT


def _open_file(folder: Path, history: str) -> int | None:
    """Return the file of a history, held by a shared lock. None where there can be none."""
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
            os.close(file)  # somebody tidied up just before the lock
    return None


def _delete_other_files(path: Path) -> None:
    """Remove the files of histories that are over, or that nobody uses just now."""
    for other in path.parent.glob(f"{_FILE_PREFIX}*"):
        if other == path:
            continue
        with suppress(OSError), other.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            other.unlink()
