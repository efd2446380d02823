"""The rows of WooCommerce's CSV: their kinds and products."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

VARIATION = "variation"
_NO_PARENT = frozenset({"", "0", "id:0"})
_KINDS = ("variable", "grouped", "external", "simple")


class WooCommerceRow(NamedTuple):
    """A row: its line, and its cells by internal name."""

    line: int
    cells: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Kind of the row: see `parse_kind`."""
        return parse_kind(self.cells)

    def cell(self, name: str) -> str:
        """Return a cell, blank if the file does not have its column."""
        return self.cells.get(name, "")


def parse_kind(row: Mapping[str, str]) -> str:
    """Return the kind of a row by its type, a list such as `simple, virtual`.

    Without a type, a row is `simple`, or a `variation` if it has a parent. The kind of an unknown
    type is its first word.
    """
    kind = _kind(row.get("type", ""))
    return kind or (VARIATION if parent_key(row) else "simple")


@lru_cache(64)
def _kind(cell: str) -> str:
    words = [word.strip().lower() for word in cell.split(",") if word.strip()]
    if any(word.endswith(VARIATION) for word in words):  # also `subscription_variation`
        return VARIATION
    if any(word.startswith("variable") for word in words):  # also `variable-subscription`
        return "variable"
    return next((word for word in words if word in _KINDS), words[0] if words else "")


def product_key(row: Mapping[str, str], line: int) -> str:
    """Return the key of a product within its file: by ID, else SKU, else line."""
    if number := row.get("id"):
        return f"id:{number}"
    return sku_key(row["sku"]) if row.get("sku") else f"line:{line}"


def sku_key(sku: str) -> str:
    """Return the case-insensitive key of a SKU."""
    return f"sku:{sku.casefold()}"


def parent_key(row: Mapping[str, str]) -> str:
    """Return the key of a variation's parent, given as `id:123` or SKU, or "" if blank or 0."""
    parent = row.get("parent", "")
    if parent in _NO_PARENT:
        return ""
    if parent[:3].lower() == "id:":
        return f"id:{parent[3:].strip()}"
    return sku_key(parent)
