"""MetricsFile: the metrics of a process in a memory-mapped file of the Prometheus client."""

import mmap
import os
import struct
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from eggypro_adapters.disk_space import allocate

INITIAL_BYTES = 1 << 18
"""Bytes reserved for a new file, so that few files must grow."""
_HEADER = struct.Struct("=i4x")
"""The used bytes of the file, and padding."""
_LENGTH = struct.Struct("=i")
_VALUE = struct.Struct("=d8x")
"""The value, and its timestamp, which is not used."""
_ALIGNMENT = 8
"""The alignment of values in the file, and the size of a number."""


class Cell:
    """A number of a metrics file. In memory only while it has no `position` in its values."""

    def __init__(self, file: "MetricsFile", key: str) -> None:
        self._file = file
        self.key = key
        self.value = 0.0
        self.position: int | None = None

    def add(self, amount: float) -> None:
        """Add an amount to the number."""
        self.value = value = self.value + amount
        if self.position is not None:  # as in `set`, which takes as long to call as to run
            self._file.values[self.position] = value

    def set(self, value: float) -> None:
        """Replace the number."""
        self.value = value
        if self.position is not None:
            self._file.values[self.position] = value


class MetricsFile:
    """Numbers by key, in a file that any process reads with the Prometheus client.

    The client's own files have no disk space until they are written, and writing to one on a full
    disk kills the process. This file is extended only by space that the disk has reserved. Numbers
    without space are in memory, and `flush` places them later. An earlier process with the same
    file is continued. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._map = mmap.mmap(-1, _HEADER.size)
        self.values = self._view()
        """The file as an array of numbers: cells are written often, and thus without a call."""
        self._used = _HEADER.size
        self._cells: dict[str, Cell] = {}
        self._pending: list[Cell] = []

    def cell(self, key: str) -> Cell:
        """Return the cell of a key, which begins with 0."""
        if key not in self._cells:
            self._cells[key] = Cell(self, key)
            self._pending.append(self._cells[key])
        return self._cells[key]

    def flush(self) -> None:
        """Place the numbers that are in memory only. Raises OSError if the disk has no space."""
        if self._file is None:
            self._open()
        while self._pending:
            self._place(self._pending[-1])
            self._pending.pop()

    def close(self) -> None:
        """Close the file."""
        self.values.release()
        self._map.close()
        if self._file is not None:
            os.close(self._file)

    def _open(self) -> None:
        if not self._path.exists():
            self._create()
        file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._extend(file, max(INITIAL_BYTES, os.fstat(file).st_size))
        except OSError:
            os.close(file)
            raise
        self._file = file
        (self._used,) = _HEADER.unpack_from(self._map)
        for key, value, _, position in MmapedDict.read_all_values_from_file(self._path):
            cell = self.cell(key)
            cell.position = position // _ALIGNMENT
            cell.add(value)
        self._pending = [cell for cell in self._pending if cell.position is None]

    def _create(self) -> None:
        """Create an empty file under another name: a reader must never see it without header."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_suffix(".new")
        new.write_bytes(_HEADER.pack(_HEADER.size))
        new.replace(self._path)

    def _extend(self, file: int, size: int) -> None:
        allocate(file, size)
        former, former_values = self._map, self.values
        self._map = mmap.mmap(file, size)
        self.values = self._view()
        former_values.release()
        former.close()

    def _view(self) -> "memoryview[float]":
        return memoryview(self._map).cast("d")

    def _place(self, cell: Cell) -> None:
        entry = _encode_key(cell.key) + _VALUE.pack(cell.value)
        end = self._used + len(entry)
        if end > len(self._map) and self._file is not None:
            self._extend(self._file, 2 * len(self._map))
        self._map[self._used : end] = entry
        self._map[: _HEADER.size] = _HEADER.pack(end)
        cell.position = (end - _VALUE.size) // _ALIGNMENT
        self._used = end


def _encode_key(key: str) -> bytes:
    encoded = key.encode()
    padding = b" " * (_ALIGNMENT - (_LENGTH.size + len(encoded)) % _ALIGNMENT)
    return _LENGTH.pack(len(encoded)) + encoded + padding
