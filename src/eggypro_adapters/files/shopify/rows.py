"""The rows of a product in Shopify's CSV."""

from collections.abc import Mapping
from typing import NamedTuple

_VARIANT_CELLS = ("price", "option1", "option2", "option3", "sku", "barcode")
DEFAULT_TITLE = "default title"


class ShopifyRow(NamedTuple):
    """A row of a product: its number in the file, its line, and its cells by name.

    `decimal_comma`: the file has prices such as 9,50, and 1.234 is 1234.
    """

    number: int
    line: int
    cells: Mapping[str, str]
    decimal_comma: bool = False

    @property
    def is_variant(self) -> bool:
        """Return whether it is an offer; other rows only have images."""
        return any(map(self.cells.get, _VARIANT_CELLS))

    @property
    def is_default(self) -> bool:
        """Return whether its variant is the default one of a product without variants."""
        cells = self.cells
        return cells.get("option1", "").lower() in ("", DEFAULT_TITLE) and not (
            cells.get("option2") or cells.get("option3")
        )

    @property
    def has_default_title(self) -> bool:
        """Return whether its only option is `Default Title`."""
        return self.is_default and bool(self.cells.get("option1"))
