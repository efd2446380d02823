"""The last writes that are known on this host, in memory that its processes share."""

import fcntl
import mmap
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from zlib import crc32

from eggypro_core.caching.entries import EVERYTHING

COUNT = 1 << 16
"""How many numbers there are. Two tags that share one are outdated together."""
_SIZE = 8 * (COUNT + 2)
_ALL = COUNT
"""The place of the last write that touched everything."""
_NEWEST = COUNT + 1
"""The place of the last write of any kind."""
_PREFIX = "changes-"


class Slots:
    """For each tag the number of the last transaction that touched it. They only grow.

    They lie in a file of the folder, mapped by all who open it: what one writes the others see at
    once. Where it cannot be had they are this process's own (`is_shared` tells).
    """

    def __init__(self, folder: Path | None, history: str) -> None:
        self._file = _opened(folder, history) if folder else None
        self._map = mmap.mmap(-1 if self._file is None else self._file, _SIZE)
        self._numbers = memoryview(self._map).cast("Q")
        self._lock = Lock()

    @property
    def is_shared(self) -> bool:
        """Whether other processes see them."""
        return self._file is not None

    def raise_to(self, number: int, tags: list[str]) -> None:
        """Note that a transaction touched some tags, or none."""
        with self._lock:
            self._lock_file(fcntl.LOCK_EX)
            try:
                for place in (_NEWEST, *map(_place, tags)):
                    self._numbers[place] = max(self._numbers[place], number)
            finally:
                self._lock_file(fcntl.LOCK_UN)

    def last(self, tags: tuple[str, ...]) -> int:
        """Return the number of the last transaction that touched any of the tags."""
        numbers = self._numbers
        return max(numbers[_ALL], *[numbers[_place(tag)] for tag in tags])

    def newest(self) -> int:
        """Return the number of the last transaction that is known, whatever it touched."""
        return self._numbers[_NEWEST]

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


@lru_cache(COUNT)
def _place(tag: str) -> int:
    return _ALL if tag == EVERYTHING else crc32(tag.encode()) % COUNT


def _opened(folder: Path, history: str) -> int | None:
    """Return the file of a history, held by a shared lock. None where there can be none."""
    path = folder / f"{_PREFIX}{history}"
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_SH)
            if os.fstat(file).st_nlink:
                os.ftruncate(file, _SIZE)
                _remove_others(path)
                return file
            os.close(file)  # somebody tidied up just before the lock
    return None


def _remove_others(path: Path) -> None:
    """Remove the files of histories that are over, or that nobody uses just now."""
    for other in path.parent.glob(f"{_PREFIX}*"):
        if other == path:
            continue
        with suppress(OSError), other.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            other.unlink()
