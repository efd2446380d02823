"""A row of a product."""

from collections.abc import Mapping
from typing import NamedTuple

_VARIANT_CELLS = ("price", "option1", "option2", "option3")


class ShopifyRow(NamedTuple):
    """A row of a product: its number among all rows, its line, and its cells by name."""

    number: int
    line: int
    cells: Mapping[str, str]

    @property
    def is_variant(self) -> bool:
        """Whether it has a price or the value of an option; other rows hold images only."""
        return any(map(self.cells.get, _VARIANT_CELLS))
