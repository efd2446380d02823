"""Row of a product in Shopify's CSV."""

from collections.abc import Mapping
from typing import NamedTuple

_VARIANT_CELLS = ("price", "option1", "option2", "option3")


class ShopifyRow(NamedTuple):
    """A row of a product: its number in the file, its line, and its cells by name."""

    number: int
    line: int
    cells: Mapping[str, str]

    @property
    def is_variant(self) -> bool:
        """Return whether it has a price or an option value; other rows only have images."""
        return any(map(self.cells.get, _VARIANT_CELLS))
