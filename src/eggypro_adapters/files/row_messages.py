"""Collect the errors and warnings of a product that consists of several rows."""

from attrs import define, field

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_core.errors import FieldError


@define
class RowMessages:
    """Errors and warnings of a product that starts on `line`.

    Messages about another line of the product start with its number.
    """

    line: int
    errors: list[FieldError] = field(factory=list)
    warnings: list[FieldError] = field(factory=list)

    def add_error(self, name: str, message: str, line: int = 0) -> None:
        """Add an error of a field."""
        self.errors.append(FieldError(name, self._at(line, message)))

    def add_warning(self, name: str, message: str, line: int = 0) -> None:
        """Add a warning of a field."""
        self.warnings.append(FieldError(name, self._at(line, message)))

    def shorten(self, text: str, name: str, label: str, max_length: int) -> str:
        """Return the text, truncated with a warning if it is too long for the field."""
        if len(text) <= max_length:
            return text
        self.add_warning(name, f"{label} is longer than {max_length} characters: truncated")
        return truncate(text, max_length)

    def _at(self, line: int, message: str) -> str:
        return message if line in (0, self.line) else f"Line {line}: {message}"
