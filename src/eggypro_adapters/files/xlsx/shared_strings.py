"""Store the shared strings of a workbook on disk."""

import re
from collections.abc import Mapping
from functools import lru_cache
from struct import Struct
from tempfile import SpooledTemporaryFile

_MAX_MEMORY_BYTES = 32 * 1024 * 1024
_CACHED_STRINGS = 1024
_ENTRY = Struct("<QI")
"""Offset and length of a string, in bytes."""
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")


class SharedStrings:
    """The strings that the cells of a workbook refer to by number: an XML handler.

    Up to _MAX_MEMORY_BYTES are in memory, the others in a temporary file.
    """

    def __init__(self) -> None:
        self._texts = SpooledTemporaryFile(_MAX_MEMORY_BYTES)  # noqa: SIM115 - see close
        self._index = SpooledTemporaryFile(_MAX_MEMORY_BYTES)  # noqa: SIM115
        self._parts: list[str] = []
        self._offset = 0
        self._phonetic = False
        self.get = lru_cache(_CACHED_STRINGS)(self._read)

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if name == "rPh":
            self._phonetic = True

    def end(self, name: str, text: str) -> None:
        """End an element."""
        if name == "rPh":
            self._phonetic = False
        elif name == "t" and not self._phonetic:
            self._parts.append(text)
        elif name == "si":
            data = unescape("".join(self._parts)).encode("utf-8", "surrogatepass")
            self._index.write(_ENTRY.pack(self._offset, len(data)))
            self._texts.write(data)
            self._offset += len(data)
            self._parts = []

    def _read(self, number: int) -> str:
        """Return a string. Raises IndexError if it does not exist."""
        self._index.seek(number * _ENTRY.size)
        entry = self._index.read(_ENTRY.size)
        if len(entry) < _ENTRY.size:
            raise IndexError(number)
        offset, length = _ENTRY.unpack(entry)
        self._texts.seek(offset)
        return self._texts.read(length).decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Delete the temporary files."""
        self._texts.close()
        self._index.close()


def unescape(text: str) -> str:
    """Return a text with Excel's escapes such as `_x000D_` replaced by their characters."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text
