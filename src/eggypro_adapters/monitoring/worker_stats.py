"""What the workers of a host count of their caches: each in a file of its own, while it lives."""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from attrs import astuple

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.caching.entries import CacheCounts

EVERY = 1.0
"""The seconds between two times that a worker writes down what it counted."""
_PREFIX = "cache-"
_RECORD = struct.Struct("=5Q")


@contextmanager
def written_down(folder: Path, counts: Callable[[], CacheCounts]) -> Iterator[None]:
    """Write down what is counted every second, until the end of the block, if the folder can."""
    path = folder / f"{_PREFIX}{uuid4().hex}"
    file = _opened(path)
    if file is None:
        yield
        return
    loop = BackgroundLoop("cache-counts", lambda: _write(file, counts()))
    loop.wake()
    try:
        yield
    finally:
        loop.stop()
        path.unlink(missing_ok=True)
        os.close(file)


def read_counts(folder: Path) -> tuple[CacheCounts, ...]:
    """Return what each worker that lives wrote down last. What the dead left is removed."""
    found = (_read(path) for path in folder.glob(f"{_PREFIX}*"))
    return tuple(counts for counts in found if counts is not None)


def _opened(path: Path) -> int | None:
    """Return a new file, held by a lock that ends with this process. None where there can be none.

    Somebody who reads may remove it just before it is locked.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file).st_nlink:
                return file
            os.close(file)
    return None


def _write(file: int, counts: CacheCounts) -> float:
    """Write down what is counted; return the seconds until the next time."""
    with suppress(OSError):  # a disk that is full
        os.pwrite(file, _RECORD.pack(*astuple(counts)), 0)
    return EVERY


def _read(path: Path) -> CacheCounts | None:
    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            record = file.read(_RECORD.size)
            return CacheCounts(*_RECORD.unpack(record)) if len(record) == _RECORD.size else None
        path.unlink()
    return None
