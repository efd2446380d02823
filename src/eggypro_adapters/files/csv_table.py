"""Read a CSV file as a header and rows, with the error of each unreadable row."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from eggypro_adapters.files.csv_records import CsvRow, read_records
from eggypro_adapters.files.text_lines import TextLines
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.errors import ParseError
from eggypro_core.validation.fields import escape_control

MAX_COLUMNS = 5000
MAX_COLUMN_NAME_LENGTH = 100
"""Characters of a column name that is imported as an attribute."""
MAX_LINES_BEFORE_HEADER = 50
_MAX_SEARCHED_LENGTH = 1024 * 1024
"""Characters of the lines that are searched for a header."""
_DELIMITERS = ",;\t|"
_QUOTED = re.compile('"[^"]*("|$)')
_DELIMITER_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[,;\t|]*\s*', re.IGNORECASE)
_NOT_IN_KEY = re.compile(r"[\W_]+")


def column_key(name: str) -> str:
    """Return the name of a column without case, spaces and punctuation."""
    return _NOT_IN_KEY.sub("", name.casefold())


def fold_name(name: str) -> str:
    """Return the name of a column without case, and with single spaces."""
    return " ".join(name.casefold().split())


def quote_names(names: Iterable[str], max_count: int) -> str:
    """Return the names of columns that are not blank, at most `max_count`, for a message."""
    quoted = [f"'{escape_control(name)}'" for name in names if name]
    return ", ".join([*quoted[:max_count], "..."] if len(quoted) > max_count else quoted)


class CsvTable:
    """A header, and the rows after it. Raises ParseError if the header is unreadable.

    `decimal_comma`: 9,50 is a price, and 1.234 has a thousands separator.
    """

    def __init__(
        self,
        records: Iterator[CsvRow],
        *,
        decimal_comma: bool = False,
        warnings: Callable[[], tuple[ImportMessage, ...]] = tuple,
    ) -> None:
        header = next(records, CsvRow(1, [], "The file is empty"))
        if not header.error and len(header.cells) > MAX_COLUMNS:
            header = header._replace(error=f"it has more than {MAX_COLUMNS:,} columns")
        if header.error:
            raise ParseError(f"The header (first line) cannot be read: {header.error}")
        self.header_line = header.line
        self.decimal_comma = decimal_comma
        self._records = records
        self.header = [name.strip() for name in header.cells]
        self._unused = UnusedColumns()
        self._source_warnings = warnings
        self._repeated: Mapping[int, int] = {}
        self._unnamed: Sequence[tuple[int, str]] = ()

    def merge_repeated_columns(self, key: Callable[[str], str] = fold_name) -> None:
        """Give the first column of each key the first value of all columns of this key.

        The names of the other columns become blank; their values, and those of columns without a
        name, are counted as not imported. Call it before `rows`.
        """
        self._repeated = _repeated_columns([key(name) for name in self.header])
        self._unnamed = [
            (position, f"{name} (column {position + 1})".strip())
            for position, name in enumerate(self.header)
            if not name or position in self._repeated
        ]
        for position in self._repeated:
            self.header[position] = ""

    def rows(self) -> Iterator[CsvRow]:
        """Yield the rows that are not blank, at most as wide as the header."""
        width = len(self.header)
        for row in self._records:
            if len(row.cells) > width:
                self._unused.add("(after the last column)", "".join(row.cells[width:]), row.line)
                del row.cells[width:]
            if self._repeated:
                self._merge(row.cells)
            if self._unnamed:
                self._unused.add_row(self._unnamed, row.cells, row.line)
            yield row

    def warnings(self) -> tuple[ImportMessage, ...]:
        """Return the warnings about the rows so far: columns without a name, and their source."""
        return (*self._unused.warnings(), *self._source_warnings())

    def _merge(self, cells: list[str]) -> None:
        for position, first in self._repeated.items():
            if position < len(cells):
                cells[first] = cells[first] if cells[first].strip() else cells[position]
                cells[position] = "" if cells[position] == cells[first] else cells[position]


def read_csv(
    lines: TextLines, is_header: Callable[[Sequence[str]], bool] = lambda _: True
) -> CsvTable:
    """Return the table of a CSV file.

    The header is the first line that `is_header` accepts, of the first MAX_LINES_BEFORE_HEADER; if
    there is none, it is the first line after titles. Raises ParseError if it is unreadable.
    """
    delimiter = _read_delimiter_line(lines)
    _skip_to_header(lines, delimiter, is_header)
    delimiter = delimiter or _delimiter(lines.peek())
    return CsvTable(
        read_records(lines, delimiter), decimal_comma=delimiter != ",", warnings=lines.warnings
    )


def _read_delimiter_line(lines: TextLines) -> str:
    """Return the delimiter that Excel's line `sep=;` names, or "" if there is no such line."""
    match = _DELIMITER_LINE.fullmatch(lines.peek())
    if not match:
        return ""
    next(lines)
    return match[1]


def _skip_to_header(
    lines: TextLines, delimiter: str, is_header: Callable[[Sequence[str]], bool]
) -> None:
    """Skip the lines before the header, or the titles if there is no header."""
    head: list[str] = []
    length = 0
    while len(head) < MAX_LINES_BEFORE_HEADER and length < _MAX_SEARCHED_LENGTH:
        if not (text := next(lines, "")):
            break
        head.append(text)
        length += len(text)
        if not lines.is_complete:
            break
    records = [
        _first_record(head[position:], delimiter or _delimiter(text))
        for position, text in enumerate(head)
    ]
    starts = (position for position, cells in enumerate(records) if is_header(cells))
    start = next(starts, None)
    lines.push_back(head[count_titles(records) if start is None else start :])


def count_titles(rows: Iterable[Sequence[str]]) -> int:
    """Return the number of rows before the first with several values, or 0 if there is none."""
    return next((at for at, cells in enumerate(rows) if sum(map(bool, cells)) > 1), 0)


def _first_record(lines: Sequence[str], delimiter: str) -> list[str]:
    try:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        return [name.strip() for name in next(reader, [])]
    except csv.Error:
        return []


def _repeated_columns(keys: Sequence[str]) -> dict[int, int]:
    """Return the position of the first column of the same key, by the position of later ones."""
    firsts: dict[str, int] = {}
    repeated: dict[int, int] = {}
    for position, key in enumerate(keys):
        first = firsts.setdefault(key, position)
        if key and first != position:
            repeated[position] = first
    return repeated


def _delimiter(line: str) -> str:
    """Return the most frequent delimiter in the header's first line, outside quotes."""
    outside = _QUOTED.sub("", line)
    return max(_DELIMITERS, key=outside.count)
