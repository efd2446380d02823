"""A CSV file as its header and its rows, with what is wrong with a row beside it."""

import csv
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eggypro_adapters.files.text_lines import MAX_PIECE_LENGTH, TextLines, is_undecodable
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

MAX_CELL_LENGTH = 1024 * 1024
"""Characters of one cell."""
MAX_COLUMNS = 5000
_DELIMITERS = ",;\t"
_QUOTED = re.compile('"[^"]*("|$)')
_NOT_IN_KEY = re.compile(r"[\W_]+")
_UNDECODABLE_MESSAGE = "Line {} holds bytes that are no text in the file's encoding"


class CsvRow(NamedTuple):
    """A row that is not blank, as wide as the header at most; `wrong` tells why it is no row."""

    line: int
    cells: list[str]
    error: str = ""


class CsvTable:
    """The rows of a CSV file after its header. Raises ParseError where it has none."""

    def __init__(self, lines: TextLines) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_CELL_LENGTH))  # one for the process
        self._record = _RecordLines(lines)
        self._reader = csv.reader(self._record, delimiter=_delimiter(lines.peek()), strict=True)
        header = next(self._records(), CsvRow(1, [], "The file is empty"))
        if not header.error and len(header.cells) > MAX_COLUMNS:
            header = header._replace(error=f"It has more than {MAX_COLUMNS:,} columns")
        if header.error:
            raise ParseError(f"The first line cannot be read: {header.error}")
        self.header_line = header.line
        self.header = [name.strip() for name in header.cells]

    def rows(self) -> Iterator[CsvRow]:
        """Return the rows that are not blank."""
        width = len(self.header)
        for row in self._records():
            if len(row.cells) <= width:
                yield row
            elif any(map(str.strip, row.cells[width:])):
                yield CsvRow(
                    row.line, [], f"The row has {len(row.cells)} cells, the header {width}"
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
    """Return what of a column's name counts: no case, spaces or punctuation."""
    return _NOT_IN_KEY.sub("", name.casefold())


def check_unique_columns(named: Iterable[tuple[str, str]]) -> None:
    """Raise ParseError where two columns, given as their key and name, are one and the same."""
    found: dict[str, str] = {}
    for each, name in named:
        if each in found:
            columns = f"'{escape_control(found[each])}' and '{escape_control(name)}'"
            raise ParseError(f"Two columns of the file mean the same: {columns}")
        found[each] = name


class _RecordTooLongError(Exception):
    """A record that is longer than any line may be."""


class _RecordLines:
    """Hands out the lines of one record; `broken` is the first that holds what is no text, or 0."""

    def __init__(self, lines: TextLines) -> None:
        self._lines = lines
        self.begin()

    def begin(self) -> int:
        """Begin the next record. Returns the number of its first line."""
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
        """Return why the record from that line on could not be read, and pass over its rest."""
        if self._length > MAX_CELL_LENGTH:
            self._skip_rest()
            wrong = (
                f"A cell has more than {MAX_CELL_LENGTH:,} characters, or a quote is never closed"
            )
        elif self._ended:
            wrong = "A quote is opened here and never closed"
        else:
            wrong = "A quoted cell goes on after its closing quote (write a quote within as two)"
        last = self._lines.number
        return wrong if last == line else f"{wrong}; lines {line} to {last} are left out"

    def _skip_rest(self) -> None:
        """Read on to the line on which the number of quotes is even: there a record can end."""
        while self._quotes % 2 or not self._lines.is_complete:
            text = next(self._lines, "")
            if not text:
                return
            self._quotes += text.count('"')


def _delimiter(line: str) -> str:
    """Return the delimiter that stands most often in the header's first line, outside of quotes."""
    outside = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=outside.count)
