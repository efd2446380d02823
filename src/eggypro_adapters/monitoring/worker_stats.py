"""Cache counts of the workers of a host: one file per worker, removed when it ends."""

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

PUBLISH_INTERVAL_SECONDS = 1.0
"""Seconds between writes of the counts of a worker."""
_FILE_PREFIX = "cache-"
_RECORD = struct.Struct("=5Q")


@contextmanager
def publish_counts(folder: Path, counts: Callable[[], CacheCounts]) -> Iterator[None]:
    """Write the counts to a file every second during the block; do nothing without a folder."""
    path = folder / f"{_FILE_PREFIX}{uuid4().hex}"
    file = _create_locked_file(path)
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
    """Return the latest counts of each live worker; delete the files of dead ones."""
    counts_of_workers = (_read(path) for path in folder.glob(f"{_FILE_PREFIX}*"))
    return tuple(counts for counts in counts_of_workers if counts is not None)


def _create_locked_file(path: Path) -> int | None:
    """Create a file, locked until this process ends; return None if the folder is not writable.

    A reader may delete the file just before it is locked: then try again.
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
    """Write the counts; return the seconds until the next write."""
    with suppress(OSError):  # full disk
        os.pwrite(file, _RECORD.pack(*astuple(counts)), 0)
    return PUBLISH_INTERVAL_SECONDS


def _read(path: Path) -> CacheCounts | None:
    with suppress(OSError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            record = file.read(_RECORD.size)
            return CacheCounts(*_RECORD.unpack(record)) if len(record) == _RECORD.size else None
        path.unlink()
    return None
