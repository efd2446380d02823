"""A row of a product, and what is to be said of the product."""

from collections.abc import Mapping
from typing import NamedTuple

from attrs import define, field

from eggypro_core.errors import Fault

_OF_VARIANTS = ("price", "option1", "option2", "option3")


class ProductRow(NamedTuple):
    """A row of a product: its number among all rows, its line, and its cells by name."""

    number: int
    line: int
    cells: Mapping[str, str]

    @property
    def is_variant(self) -> bool:
        """Whether it has a price or the value of an option; other rows hold images only."""
        return any(map(self.cells.get, _OF_VARIANTS))


@define
class Notes:
    """Faults and warnings of a product that begins on a line; those of another line name it."""

    line: int
    faults: list[Fault] = field(factory=list)
    warnings: list[Fault] = field(factory=list)

    def refuse(self, name: str, message: str, line: int) -> None:
        """Add a fault of a field."""
        self.faults.append(Fault(name, self._at(line, message)))

    def warn(self, name: str, message: str, line: int = 0) -> None:
        """Add a warning of a field."""
        self.warnings.append(Fault(name, self._at(line, message)))

    def _at(self, line: int, message: str) -> str:
        return message if line in (0, self.line) else f"Line {line}: {message}"
