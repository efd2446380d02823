"""What is to be said of a product that is put together from several rows."""

from attrs import define, field

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_core.errors import FieldError


@define
class RowMessages:
    """Faults and warnings of a product that begins on a line; those of another line name it."""

    line: int
    errors: list[FieldError] = field(factory=list)
    warnings: list[FieldError] = field(factory=list)

    def add_error(self, name: str, message: str, line: int = 0) -> None:
        """Add a fault of a field."""
        self.errors.append(FieldError(name, self._at(line, message)))

    def add_warning(self, name: str, message: str, line: int = 0) -> None:
        """Add a warning of a field."""
        self.warnings.append(FieldError(name, self._at(line, message)))

    def shorten(self, text: str, name: str, label: str, maximum: int) -> str:
        """Return the text, or its beginning and a warning where it is too long for the field."""
        if len(text) <= maximum:
            return text
        self.add_warning(name, f"{label} is longer than {maximum} characters: cut")
        return truncate(text, maximum)

    def _at(self, line: int, message: str) -> str:
        return message if line in (0, self.line) else f"Line {line}: {message}"
