"""Decode a UTF-8 or UTF-16 stream into numbered lines of any length and line ending."""

import re
from io import BufferedReader, RawIOBase, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_PIECE_LENGTH = 4 * 1024 * 1024
"""Characters per piece of a long line."""
_BUFFER_BYTES = 256 * 1024
_BYTE_ORDER_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_MAX_MARK_BYTES = 3
_NOT_BLANK = re.compile(r"\S")
_UNDECODABLE = "\ud800"


class TextLines:
    """Iterate over the lines of a stream, including their line breaks.

    A line longer than MAX_PIECE_LENGTH is split into pieces of that length. Undecodable bytes
    become lone surrogates: see `is_undecodable`. `number` is the 1-based number of the line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        encoding, head = _detect_encoding(stream)
        self._text = TextIOWrapper(
            BufferedReader(_PrefixedStream(head, stream), _BUFFER_BYTES),
            encoding=encoding,
            errors="surrogateescape" if encoding == "utf-8" else "surrogatepass",
            newline="",
        )
        self._peeked = ""
        self._is_complete = True
        self._ended = False
        self.number = 0

    def __iter__(self) -> "TextLines":
        return self

    def __next__(self) -> str:
        text = self._peeked or self._read_piece()
        self._peeked = ""
        if not text:
            raise StopIteration
        if self._is_complete:
            self.number += 1
        self._is_complete = text[-1] in "\r\n" or len(text) < MAX_PIECE_LENGTH
        return text

    @property
    def is_complete(self) -> bool:
        """Return whether the last piece completed its line."""
        return self._is_complete

    def skip_rest(self) -> None:
        """Skip the remaining pieces of the current line."""
        while not self._is_complete and next(self, ""):
            pass

    def peek(self) -> str:
        """Return the first non-blank line without consuming it, or "" if there is none."""
        for text in self:
            if _NOT_BLANK.search(text):
                self._peeked = text
                self.number -= 1
                self._is_complete = True
                return text
        return ""

    def _read_piece(self) -> str:
        try:
            return "" if self._ended else self._text.readline(MAX_PIECE_LENGTH)
        except UnicodeDecodeError:  # UTF-16 that ends inside a character
            self._ended = True
            return _UNDECODABLE


class _PrefixedStream(RawIOBase):
    """A stream whose first bytes were already read. Closing it does not close the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        data = self._head or self._stream.read(len(view))
        self._head = b""
        view[: len(data)] = data
        return len(data)


def is_undecodable(text: str) -> bool:
    """Return whether a line has bytes that are invalid in its encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _detect_encoding(stream: BinaryIO) -> tuple[str, bytes]:
    """Return the encoding by the byte order mark, and the bytes read after the mark."""
    head = b""
    while len(head) < _MAX_MARK_BYTES and (more := stream.read(_MAX_MARK_BYTES - len(head))):
        head += more
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding, head.removeprefix(mark)
    return "utf-8", head
