"""Split the lines of a CSV file into records, with the error of each unreadable one."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple

from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable

MAX_CELL_LENGTH = 1024 * 1024
"""Characters per cell."""
_UNDECODABLE_MESSAGE = (
    "Line {} has bytes that are invalid in the file's encoding: save the file as UTF-8"
)


class CsvRow(NamedTuple):
    """A non-blank row; `error` says why it is unreadable."""

    line: int
    cells: list[str]
    error: str = ""


def read_records(lines: TextLines, delimiter: str) -> Iterator[CsvRow]:
    """Yield the records of a CSV file that are not blank."""
    csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_LENGTH))  # process-wide
    record = _RecordLines(lines, delimiter)
    reader = csv.reader(record, delimiter=delimiter, strict=True)
    while True:
        line = record.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _RecordTooLongError):
            yield CsvRow(line, [], record.recover(line))
            continue
        if record.undecodable_line:
            yield CsvRow(line, [], _UNDECODABLE_MESSAGE.format(record.undecodable_line))
        elif cells and (cells[0].strip() or any(map(str.strip, cells))):
            yield CsvRow(line, cells)


class _RecordTooLongError(Exception):
    """A record exceeds MAX_PIECE_LENGTH."""


class _RecordLines:
    """Iterate over the lines of one record, without spaces between closing quotes and delimiters.

    `undecodable_line` is the number of its first line with invalid bytes, or 0.
    """

    def __init__(self, lines: TextLines, delimiter: str) -> None:
        self._lines = lines
        self._padded_quote = re.compile(rf'" +(?=[{re.escape(delimiter)}\r\n]|\Z)')
        self.begin()

    def begin(self) -> int:
        """Start the next record and return the number of its first line."""
        self.undecodable_line = self._length = self._quotes = 0
        self._ended = False
        return self._lines.number + 1

    def __iter__(self) -> "_RecordLines":
        return self

    def __next__(self) -> str:
        text = next(self._lines, "")
        if not text:
            self._ended = True
            raise StopIteration
        self._length += len(text)
        quotes = self._quotes
        self._quotes += text.count('"')
        if self._quotes and self._padded_quote.search(text):
            text = self._without_padding(text, quotes)
        if not self.undecodable_line and is_undecodable(text):
            self.undecodable_line = self._lines.number
        if self._length >= MAX_PIECE_LENGTH:
            raise _RecordTooLongError
        return text

    def _without_padding(self, text: str, quotes: int) -> str:
        """Return a line without spaces after closing quotes; the record had `quotes` before it."""
        parts: list[str] = []
        end = 0
        for match in self._padded_quote.finditer(text):
            quotes += text.count('"', end, match.end())
            is_closing = quotes % 2 == 0
            parts.append(text[end : match.start() + 1 if is_closing else match.end()])
            end = match.end()
        return "".join([*parts, text[end:]])

    def recover(self, line: int) -> str:
        """Skip the rest of the record that starts on `line`, and return its error message."""
        if self._length > MAX_CELL_LENGTH:
            self._skip_rest()
            message = (
                f"A cell has more than {MAX_CELL_LENGTH:,} characters, or a quote is not closed"
            )
        elif self._ended:
            message = "A quote opened on this line is never closed"
        else:
            message = 'Text follows a closing quote: write a quote inside a cell as ""'
        last = self._lines.number
        return message if last == line else f"{message}; lines {line} to {last} are skipped"

    def _skip_rest(self) -> None:
        """Skip to the line after which the number of quotes is even: there the record can end."""
        while self._quotes % 2 or not self._lines.is_complete:
            text = next(self._lines, "")
            if not text:
                return
            self._quotes += text.count('"')
