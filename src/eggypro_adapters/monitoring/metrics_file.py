"""MetricsFile: the metrics of a process in a file of the Prometheus client."""

import errno
import os
import struct
from pathlib import Path

from attrs import define
from prometheus_client.mmap_dict import MmapedDict

from eggypro_adapters.disk_space import allocate

ALLOCATED_BYTES = 1 << 18
"""Bytes reserved for each file, so that metrics are still exported while the disk is full."""
_HEADER = struct.Struct("=i4x")
"""The used bytes of the file, and padding."""
_LENGTH = struct.Struct("=i")
_VALUE = struct.Struct("=dd")
"""The value and its timestamp, which is not used."""
_ALIGNMENT = 8


@define
class Cell:
    """A number of a metrics file."""

    _prefix: bytes
    """The encoded key."""
    value: float

    def encode(self) -> bytes:
        """Return the entry of this cell in the file."""
        return self._prefix + _VALUE.pack(self.value, 0.0)


class MetricsFile:
    """Numbers by key, which `write` stores in a file for the Prometheus client of any process.

    The client itself maps such files into memory, where a write on a full disk kills the process.
    Here `write` fails, and the next one stores the same numbers. An earlier process with the same
    file is continued. Not thread-safe, but `write` may run beside the other methods.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        former = MmapedDict.read_all_values_from_file(path) if path.exists() else ()
        self._cells = {key: Cell(_encode_key(key), value) for key, value, _, _ in former}

    def cell(self, key: str) -> Cell:
        """Return the cell of a key, which is created with 0."""
        if key not in self._cells:
            self._cells[key] = Cell(_encode_key(key), 0.0)
        return self._cells[key]

    def encode(self) -> bytes:
        """Return all numbers, for `write`."""
        return b"".join(cell.encode() for cell in self._cells.values())

    def write(self, content: bytes) -> None:
        """Write encoded numbers to the file. Raises OSError."""
        if self._file is None:
            self._file = self._create(content)
        else:
            _write(self._file, content)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)

    def _create(self, content: bytes) -> int:
        """Create the file with its content: other processes must never see it without."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            allocate(file, ALLOCATED_BYTES)
            _write(file, content)
            new.replace(self._path)
        except OSError:
            os.close(file)
            new.unlink()
            raise
        return file


def _write(file: int, content: bytes) -> None:
    """Write the entries, then their size: readers do not see an incomplete entry.

    Entries never move, so a reader of old and new entries at once is not misled.
    """
    if os.pwrite(file, content, _HEADER.size) < len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.pwrite(file, _HEADER.pack(_HEADER.size + len(content)), 0)


def _encode_key(key: str) -> bytes:
    encoded = key.encode()
    padding = b" " * (_ALIGNMENT - (_LENGTH.size + len(encoded)) % _ALIGNMENT)
    return _LENGTH.pack(len(encoded)) + encoded + padding
