"""Errors and warnings about the rows of a file."""

from attrs import define, field

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.validation.fields import escape_control

_MAX_VALUE_LENGTH = 100
"""Characters of a cell in a message."""


def rejected_entry(line: int, message: str, name: str = "", *, column: str = "") -> ImportEntry:
    """Return the entry of a row that is rejected because of a field."""
    return ImportEntry(line, None, (ImportMessage(line, name, message, column),))


def cell_error(line: int, name: str, message: str, *, column: str, cell: str) -> ImportMessage:
    """Return the error of a field, with the name and the text of its cell."""
    value = escape_control(truncate(cell, _MAX_VALUE_LENGTH))
    return ImportMessage(line, name, message, escape_control(column), value)


@define
class RowMessages:
    """Errors and warnings of a product of several rows, the first on `line`; each has its line."""

    line: int
    errors: list[ImportMessage] = field(factory=list)
    warnings: list[ImportMessage] = field(factory=list)

    def add_error(self, name: str, message: str, line: int = 0, *, value: str = "") -> None:
        """Add an error of a field, with the text of its cell."""
        self.errors.append(self._message(name, message, line, "", value))

    def add_warning(
        self, name: str, message: str, line: int = 0, *, column: str = "", value: str = ""
    ) -> None:
        """Add a warning of a field, with the text of its cell."""
        self.warnings.append(self._message(name, message, line, column, value))

    def _message(
        self, name: str, message: str, line: int, column: str, value: str
    ) -> ImportMessage:
        return ImportMessage(line or self.line, name, message, column, escape_control(value))
