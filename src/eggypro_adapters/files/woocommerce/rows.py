"""Row of WooCommerce's CSV: its kind and its product."""

from collections.abc import Mapping
from typing import NamedTuple

_KINDS = ("variation", "variable", "grouped", "external", "simple")


class WooCommerceRow(NamedTuple):
    """A row: its line, and its cells by name."""

    line: int
    cells: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Kind of the row: `simple` if blank, the first word of the type if unknown."""
        return parse_kind(self.cells.get("type", ""))


def parse_kind(cell: str) -> str:
    """Return the kind of a row by its type, a list such as `simple, virtual`."""
    words = [word.strip().lower() for word in cell.split(",") if word.strip()]
    known = [word for word in words if word in _KINDS]
    return next(iter(known or words), "simple")


def product_key(row: Mapping[str, str], line: int) -> str:
    """Return the key of a product within its file: by ID, else SKU, else line."""
    if number := row.get("id"):
        return f"id:{number}"
    return sku_key(row["sku"]) if row.get("sku") else f"line:{line}"


def sku_key(sku: str) -> str:
    """Return the case-insensitive key of a SKU."""
    return f"sku:{sku.casefold()}"


def parent_key(row: Mapping[str, str]) -> str:
    """Return the key of a variation's parent, given as `id:123` or SKU, or "" if blank."""
    parent = row.get("parent", "")
    if parent[:3].lower() == "id:":
        return f"id:{parent[3:].strip()}"
    return sku_key(parent) if parent else ""
