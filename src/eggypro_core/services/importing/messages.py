"""Collect the warnings and errors of one imported product while its values are normalised."""

from attrs import define, field

from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.validation.fields import escape_control


def shown(value: object) -> str:
    """Return the text of a value for a message: 100 characters, no control characters.

    None becomes blank text.
    """
    return "" if value is None else escape_control(str(value))


@define
class EntryMessages:
    """Warnings and errors of a product. `line` is the line that is being normalised."""

    line: int
    warnings: list[ImportMessage] = field(factory=list)
    errors: list[ImportMessage] = field(factory=list)

    def warn(self, name: str, message: str, value: object = "") -> None:
        """Add a warning of a field, with the value that the file has."""
        self.warnings.append(self._message(name, message, value))

    def fail(self, name: str, message: str, value: object = "") -> None:
        """Add an error of a field, with the value that the file has."""
        self.errors.append(self._message(name, message, value))

    def _message(self, name: str, message: str, value: object) -> ImportMessage:
        return ImportMessage(self.line, name, escape_control(message, 500), value=shown(value))
