"""A row of WooCommerce's: what kind of thing it is, and which product it belongs to."""

from collections.abc import Mapping
from typing import NamedTuple

_KINDS = ("variation", "variable", "grouped", "external", "simple")


class WooCommerceRow(NamedTuple):
    """A row: its line, and its cells by name."""

    line: int
    cells: Mapping[str, str]

    @property
    def kind(self) -> str:
        """What it is: `simple` where nothing is said, the first word where that is not known."""
        return parse_kind(self.cells.get("type", ""))


def parse_kind(cell: str) -> str:
    """Return what a row is: a list such as `simple, virtual` says it."""
    words = [word.strip().lower() for word in cell.split(",") if word.strip()]
    known = [word for word in words if word in _KINDS]
    return next(iter(known or words), "simple")


def product_key(row: Mapping[str, str], line: int) -> str:
    """Return what tells a product from the others of its file."""
    if number := row.get("id"):
        return f"id:{number}"
    return sku_key(row["sku"]) if row.get("sku") else f"line:{line}"


def sku_key(sku: str) -> str:
    """Return what a SKU is called by, whatever its case."""
    return f"sku:{sku.casefold()}"


def parent_key(row: Mapping[str, str]) -> str:
    """Return what a variation calls its product: `id:123` or a SKU; "" if it calls none."""
    parent = row.get("parent", "")
    if parent[:3].lower() == "id:":
        return f"id:{parent[3:].strip()}"
    return sku_key(parent) if parent else ""
