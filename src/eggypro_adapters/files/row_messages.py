"""What is to be said of a product that is put together from several rows."""

from attrs import define, field

from eggypro_adapters.files.cell_parsers import cut
from eggypro_core.errors import Fault


@define
class Notes:
    """Faults and warnings of a product that begins on a line; those of another line name it."""

    line: int
    faults: list[Fault] = field(factory=list)
    warnings: list[Fault] = field(factory=list)

    def refuse(self, name: str, message: str, line: int = 0) -> None:
        """Add a fault of a field."""
        self.faults.append(Fault(name, self._at(line, message)))

    def warn(self, name: str, message: str, line: int = 0) -> None:
        """Add a warning of a field."""
        self.warnings.append(Fault(name, self._at(line, message)))

    def shortened(self, text: str, name: str, label: str, maximum: int) -> str:
        """Return the text, or its beginning and a warning where it is too long for the field."""
        if len(text) <= maximum:
            return text
        self.warn(name, f"{label} is longer than {maximum} characters: cut")
        return cut(text, maximum)

    def _at(self, line: int, message: str) -> str:
        return message if line in (0, self.line) else f"Line {line}: {message}"
