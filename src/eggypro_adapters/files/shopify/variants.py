"""What the variants of a product come to, until it is one product with variants."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from eggypro_adapters.files import cells
from eggypro_adapters.files.shopify.rows import Notes, ProductRow
from eggypro_core.rules import RefusedError, decimal, printable

_CONTINUE = frozenset({"continue", "true"})
_NO_WEIGHT = frozenset({"", "0", "0.0"})
_GRAMS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


class _Price(NamedTuple):
    amount: Decimal
    text: str
    row: ProductRow


def prices(variants: Sequence[ProductRow], notes: Notes) -> dict[str, object]:
    """Return the lowest price, with the compare-at price of the same row."""
    priced = [found for row in variants if (found := _price(row, "price", "Price", notes))]
    if not priced:
        return {}
    lowest = min(priced, key=lambda found: found.amount)
    values: dict[str, object] = {"price": lowest.text}
    if "compare_at_price" in lowest.row.cells:
        values["compare_at_price"] = _compare_at(lowest, notes)
    return values


def stock(variants: Sequence[ProductRow], notes: Notes) -> dict[str, object]:
    """Return the summed stock, and whether it is tracked: one that never runs out is enough."""
    values: dict[str, object] = {}
    if variants and "quantity" in variants[0].cells:
        values["stock_quantity"] = sum(_quantity(row, notes) for row in variants)
    tracked = [_is_tracked(row.cells) for row in variants]
    if False in tracked:
        values["track_stock"] = False
    elif True in tracked:
        values["track_stock"] = True
    return values


def warn_of_many(
    variants: Sequence[ProductRow], values: Mapping[str, object], notes: Notes
) -> None:
    """Say that several variants were taken as one, and as which."""
    taken = []
    if "price" in values:
        taken.append(f"the lowest price ({Decimal(str(values['price'])):.2f})")
    if "stock_quantity" in values:
        taken.append(f"the summed stock ({values['stock_quantity']})")
    how = f" as {' and '.join(taken)}" if taken else ""
    notes.warn("variants", f"{len(variants)} variants: taken together{how}")


def weight(variants: Sequence[ProductRow], notes: Notes) -> dict[str, str]:
    """Return the weight that all variants share, if they do. The column holds grams always."""
    weights = {row.cells.get("grams", "") for row in variants}
    text = weights.pop() if len(weights) == 1 else ""
    if text in _NO_WEIGHT:
        return {}
    if not _GRAMS.fullmatch(text):
        notes.warn("attributes", f"Weight '{printable(text)}' is no number of grams: left out")
        return {}
    grams = Decimal(text).normalize()
    return {"Weight": f"{grams:f} g"} if grams else {}


def _price(row: ProductRow, name: str, label: str, notes: Notes) -> _Price | None:
    """Return the price in a row's cell, None where it is blank or refused."""
    try:
        text = cells.price(row.cells[name]) if name in row.cells else None
        return None if text is None else _Price(decimal(label, text), text, row)
    except RefusedError as refused:
        notes.refuse(name, str(refused), row.line)
        return None


def _compare_at(lowest: _Price, notes: Notes) -> str | None:
    found = _price(lowest.row, "compare_at_price", "Compare-at price", notes)
    if found is None:
        return None
    if found.amount <= lowest.amount:
        why = f"Compare-at price {found.text} is not above the price {lowest.text}: left out"
        notes.warn("compare_at_price", why, found.row.line)
        return None
    return found.text


def _quantity(row: ProductRow, notes: Notes) -> int:
    quantity = cells.whole(row.cells["quantity"] or "0")
    if isinstance(quantity, str):
        notes.refuse("stock_quantity", "Stock quantity must be an integer", row.line)
        return 0
    if quantity < 0:
        notes.warn("stock_quantity", f"Negative stock ({quantity}) taken as 0", row.line)
    return max(0, quantity)


def _is_tracked(row: Mapping[str, str]) -> bool | None:
    """Return whether a variant's stock is tracked, None where the file does not say."""
    if row.get("policy", "").lower() in _CONTINUE:
        return False
    return bool(row["tracker"]) if "tracker" in row else None
