"""Decode a stream of UTF-8, UTF-16 or Windows-1252 into numbered lines."""

import re
from collections import deque
from collections.abc import Sequence
from io import BufferedReader, RawIOBase, TextIOWrapper
from typing import TYPE_CHECKING, BinaryIO

from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.validation.fields import escape_control

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
_SAMPLE_BYTES = 4096
_FIRST_ASIAN_CHARACTER = "\u0600"
_MIN_WESTERN_SHARE = 0.7
_NOT_BLANK = re.compile(r"\S")
_UNDECODABLE = "\ud800"
_NOT_UTF_8 = "The file is not UTF-8: read as Windows-1252"
_NOT_ASCII_WORD = re.compile(r"[^\s,;\t|\"]*[^\x00-\x7f][^\s,;\t|\"]*")
_WINDOWS_1252 = {
    0xDC00 + byte: bytes([byte]).decode("windows-1252", errors="ignore") or chr(byte)
    for byte in range(0x80, 0x100)
}
"""The characters of bytes that are not UTF-8, by the surrogates that stand for these bytes."""


class TextLines:
    """Iterate over the lines of a stream, including their line breaks.

    A line longer than MAX_PIECE_LENGTH is split into pieces of that length. Without a byte order
    mark, bytes that are not UTF-8 are read as Windows-1252: see `warnings`. Other undecodable bytes
    become lone surrogates: see `is_undecodable`. `number` is the 1-based number of the line.
    """

    def __init__(self, stream: BinaryIO) -> None:
        encoding, head, self._is_certain = _detect_encoding(stream)
        self._text = TextIOWrapper(
            BufferedReader(PrefixedStream(head, stream), _BUFFER_BYTES),
            encoding=encoding,
            errors="surrogateescape" if encoding == "utf-8" else "surrogatepass",
            newline="",
        )
        self._pending: deque[str] = deque()
        self._is_complete = True
        self._ended = False
        self.number = 0
        self._windows_line = 0
        self._windows_word = ""

    def __iter__(self) -> "TextLines":
        return self

    def __next__(self) -> str:
        text = self._pending.popleft() if self._pending else self._read_piece()
        if not text:
            raise StopIteration
        if self._is_complete:
            self.number += 1
        self._is_complete = text[-1] in "\r\n" or len(text) < MAX_PIECE_LENGTH
        if not (self._is_certain or text.isascii()) and is_undecodable(text):
            return self._as_windows_1252(text)
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
                self.push_back([text])
                return text
        return ""

    def push_back(self, lines: Sequence[str]) -> None:
        """Return the last lines read: the next iterations yield them again.

        All must be complete, except that a single one may be the first piece of its line.
        """
        self._pending.extendleft(reversed(lines))
        self.number -= len(lines)
        self._is_complete = True

    def warnings(self) -> tuple[ImportMessage, ...]:
        """Return a warning with the first line that is not UTF-8 and a word of it, if any."""
        if not self._windows_line:
            return ()
        return (ImportMessage(self._windows_line, "", _NOT_UTF_8, value=self._windows_word),)

    def _read_piece(self) -> str:
        try:
            return "" if self._ended else self._text.readline(MAX_PIECE_LENGTH)
        except UnicodeDecodeError:  # UTF-16 that ends inside a character
            self._ended = True
            return _UNDECODABLE

    def _as_windows_1252(self, text: str) -> str:
        text = text.translate(_WINDOWS_1252)
        if not self._windows_line:
            self._windows_line = self.number
            word = _NOT_ASCII_WORD.search(text)
            self._windows_word = escape_control(word[0]) if word else ""
        return text


class PrefixedStream(RawIOBase):
    """A stream whose first bytes were already read. Closing it does not close the stream."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        data = self._head or self._stream.read(len(view))
        size = min(len(data), len(view))
        view[:size] = data[:size]
        self._head = data[size:]
        return size


def read_head(stream: BinaryIO, size: int) -> bytes:
    """Return at least the first `size` bytes of a stream, fewer if it ends before."""
    head = b""
    while len(head) < size and (more := stream.read(size - len(head))):
        head += more
    return head


def is_undecodable(text: str) -> bool:
    """Return whether a line has bytes that are invalid in its encoding."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _detect_encoding(stream: BinaryIO) -> tuple[str, bytes, bool]:
    """Return the encoding, the bytes read after the mark, and whether the encoding is certain."""
    head = read_head(stream, _SAMPLE_BYTES)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return encoding, head.removeprefix(mark), True
    if b"\0" in head:
        for encoding in ("utf-16-le", "utf-16-be"):
            text = head.decode(encoding, errors="ignore")
            western = sum(character < _FIRST_ASIAN_CHARACTER for character in text)
            if western > _MIN_WESTERN_SHARE * len(head) / 2:
                return encoding, head, True
    return "utf-8", head, False
