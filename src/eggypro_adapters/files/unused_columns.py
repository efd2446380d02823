"""Count the values of columns that are not imported, for one warning per column."""

from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.validation.fields import escape_control

_MAX_COLUMNS = 5000
"""The number of columns that are counted; JSON objects can have any number of names."""
_MAX_NAME_LENGTH = 255
_MAX_EXAMPLE_LENGTH = 60


@define
class _Usage:
    """The number of rows with a value, the first of these values, and its line."""

    line: int
    example: str
    rows: int = 1


@define
class UnusedColumns:
    """The columns of a file that have values but are not imported."""

    _usages: dict[str, _Usage] = field(factory=dict, init=False)

    def add(self, column: str, value: str, line: int) -> None:
        """Count a row in which the column has a value; a blank value does not count."""
        usage = self._usages.get(column)
        if usage is None:
            example = " ".join(value.split())
            if not example or len(self._usages) >= _MAX_COLUMNS:
                return
            self._usages[column] = _Usage(line, _shorten(example, _MAX_EXAMPLE_LENGTH))
        elif value.strip():
            usage.rows += 1

    def add_row(self, columns: Iterable[tuple[int, str]], cells: Sequence[str], line: int) -> None:
        """Count the values of a row; `columns` are pairs of position and name."""
        width = len(cells)
        for position, name in columns:
            if position < width and cells[position]:
                self.add(name, cells[position], line)

    def warnings(self) -> tuple[ImportMessage, ...]:
        """Return one warning per column, at the line of its first value."""
        return tuple(_warning(column, usage) for column, usage in self._usages.items())

    def entries(self, header_line: int) -> Iterator[ImportEntry]:
        """Yield the last entry of a file, if there is any warning."""
        if warnings := self.warnings():
            yield ImportEntry(header_line, None, warnings=warnings)


def _warning(column: str, usage: _Usage) -> ImportMessage:
    name = escape_control(_shorten(column, _MAX_NAME_LENGTH))
    rows = f"{usage.rows:,} rows" if usage.rows > 1 else "1 row"
    example = escape_control(usage.example)
    message = f"Column '{name}' has values in {rows} (such as '{example}'): ignored"
    return ImportMessage(usage.line, "", message, name, example)


def _shorten(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else f"{truncate(text, max_length - 3)}..."
