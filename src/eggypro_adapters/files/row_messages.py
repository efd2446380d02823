"""Collect the errors and warnings of a product that consists of several rows."""

from attrs import define, field

from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.validation.fields import escape_control


@define
class RowMessages:
    """Errors and warnings of a product that starts on `line`, each with its own line."""

    line: int
    errors: list[ImportMessage] = field(factory=list)
    warnings: list[ImportMessage] = field(factory=list)

    def add_error(
        self, name: str, message: str, line: int = 0, *, column: str = "", value: str = ""
    ) -> None:
        """Add an error of a field, with the text of its cell."""
        self.errors.append(self._message(name, message, line, column, value))

    def add_warning(
        self, name: str, message: str, line: int = 0, *, column: str = "", value: str = ""
    ) -> None:
        """Add a warning of a field, with the text of its cell."""
        self.warnings.append(self._message(name, message, line, column, value))

    def _message(
        self, name: str, message: str, line: int, column: str, value: str
    ) -> ImportMessage:
        return ImportMessage(line or self.line, name, message, column, escape_control(value))
