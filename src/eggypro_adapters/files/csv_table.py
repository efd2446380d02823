"""Read a CSV file as a header and rows, with the error of each unreadable row."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

MAX_CELL_LENGTH = 1024 * 1024
"""Characters per cell."""
MAX_COLUMNS = 5000
MAX_COLUMN_NAME_LENGTH = 100
"""Characters of a column name that is imported as an attribute."""
_DELIMITERS = ",;\t"
_QUOTED = re.compile('"[^"]*("|$)')
_NOT_IN_KEY = re.compile(r"[\W_]+")
_UNDECODABLE_MESSAGE = (
    "Line {} has bytes that are invalid in the file's encoding: save the file as UTF-8"
)


class CsvRow(NamedTuple):
    """A non-blank row, at most as wide as the header; `error` says why it is unreadable."""

    line: int
    cells: list[str]
    error: str = ""


class CsvTable:
    """The rows of a CSV file after its header. Raises ParseError if it has no valid header."""

    def __init__(self, lines: TextLines) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_LENGTH))  # process-wide
        self._record = _RecordLines(lines)
        self._reader = csv.reader(self._record, delimiter=_delimiter(lines.peek()), strict=True)
        header = next(self._records(), CsvRow(1, [], "The file is empty"))
        if not header.error and len(header.cells) > MAX_COLUMNS:
            header = header._replace(error=f"it has more than {MAX_COLUMNS:,} columns")
        if header.error:
            raise ParseError(f"The header (first line) cannot be read: {header.error}")
        self.header_line = header.line
        self.header = [name.strip() for name in header.cells]

    def rows(self) -> Iterator[CsvRow]:
        """Yield the rows that are not blank."""
        width = len(self.header)
        for row in self._records():
            if len(row.cells) <= width:
                yield row
            elif any(map(str.strip, row.cells[width:])):
                yield CsvRow(
                    row.line, [], f"The row has {len(row.cells)} cells, the header only {width}"
                )
            else:
                yield CsvRow(row.line, row.cells[:width])

    def _records(self) -> Iterator[CsvRow]:
        record = self._record
        while True:
            line = record.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except (csv.Error, _RecordTooLongError):
                yield CsvRow(line, [], record.recover(line))
                continue
            if record.undecodable_line:
                yield CsvRow(line, [], _UNDECODABLE_MESSAGE.format(record.undecodable_line))
            elif cells and (cells[0].strip() or any(map(str.strip, cells))):
                yield CsvRow(line, cells)


def column_key(name: str) -> str:
    """Return the name of a column without case, spaces and punctuation."""
    return _NOT_IN_KEY.sub("", name.casefold())


def check_unique_columns(columns: Iterable[tuple[str, str]]) -> None:
    """Raise ParseError if two of the columns, pairs of key and name, have the same key."""
    names: dict[str, str] = {}
    for key, name in columns:
        if key in names:
            pair = f"'{escape_control(names[key])}' and '{escape_control(name)}'"
            raise ParseError(f"Two columns have the same meaning: {pair}. Remove one of them.")
        names[key] = name


class _RecordTooLongError(Exception):
    """A record exceeds MAX_PIECE_LENGTH."""


class _RecordLines:
    """Iterate over the lines of one record.

    `undecodable_line` is the number of its first line with invalid bytes, or 0.
    """

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
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
        self._quotes += text.count('"')
        if not self.undecodable_line and is_undecodable(text):
            self.undecodable_line = self._lines.number
        if self._length >= MAX_PIECE_LENGTH:
            raise _RecordTooLongError
        return text

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


def _delimiter(line: str) -> str:
    """Return the most frequent delimiter in the header's first line, outside quotes."""
    outside = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=outside.count)


def unused_column_message(name: str) -> str:
    """Return the warning for a column that is not imported; `name` is its known name, if any."""
    return (
        f"Column name is longer than {MAX_COLUMN_NAME_LENGTH} characters: ignored"
        if name
        else "Unknown column: ignored"
    )
