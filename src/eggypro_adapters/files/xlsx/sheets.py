"""Read the rows of a sheet of a workbook."""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import IO

from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.xlsx.number_formats import NumberFormats
from eggypro_adapters.files.xlsx.shared_strings import SharedStrings, unescape
from eggypro_adapters.files.xlsx.xml_parsing import parse_chunks

_MAX_COLUMNS = 16_384
_LETTERS = 26


def read_rows(
    stream: IO[bytes], strings: SharedStrings, formats: NumberFormats
) -> Iterator[CsvRow]:
    """Yield the rows of a sheet that are not blank; their line is the number of the row."""
    sheet = _Sheet(strings, formats)
    for _ in parse_chunks(stream, sheet):
        while sheet.rows:
            yield sheet.rows.popleft()


class _Sheet:
    """The rows of a sheet, filled from its XML."""

    def __init__(self, strings: SharedStrings, formats: NumberFormats) -> None:
        self.rows: deque[CsvRow] = deque()
        self._strings = strings
        self._formats = formats
        self._line = 0
        self._cells: dict[int, str] = {}
        self._column = -1
        self._type = ""
        self._style = 0
        self._parts: list[str] = []
        self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "row":
            self._line = int(attributes.get("r", self._line + 1))
            self._cells = {}
            self._column = -1
        elif name == "c":
            reference = attributes.get("r")
            self._column = _column_number(reference) if reference else self._column + 1
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", "0"))
            self._parts = []
        elif name == "rPh":
            self._phonetic = True

    def end(self, name: str, text: str) -> None:
        if name == "v" or (name == "t" and not self._phonetic):
            self._parts.append(text)
        elif name == "c" and self._parts and 0 <= self._column < _MAX_COLUMNS:
            self._cells[self._column] = self._text("".join(self._parts))
        elif name == "row" and any(map(str.strip, self._cells.values())):
            width = max(self._cells) + 1
            self.rows.append(
                CsvRow(self._line, [self._cells.get(column, "") for column in range(width)])
            )
        elif name == "rPh":
            self._phonetic = False

    def _text(self, value: str) -> str:
        if self._type == "s":
            return self._strings.get(int(value))
        if self._type == "b":
            return "TRUE" if value.strip() == "1" else "FALSE"
        if self._type == "n" and value.strip():
            return self._formats.number_text(value.strip(), self._style)
        return unescape(value)


def _column_number(reference: str) -> int:
    """Return the position of a cell in its row: 0 for `A1`, 27 for `AB1`."""
    number = 0
    for letter in reference.rstrip("0123456789").upper():
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number - 1
