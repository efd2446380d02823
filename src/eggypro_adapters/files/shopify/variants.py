"""What the rows of variants say: of a single one that is the product itself, or of several."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from eggypro_adapters.files.amounts import Amount, amount, quantity
from eggypro_adapters.files.images import address
from eggypro_adapters.files.row_messages import Notes
from eggypro_adapters.files.shopify.rows import ProductRow
from eggypro_adapters.files.variant_rows import Sibling, variants
from eggypro_core.validation.fields import printable

_CONTINUE = frozenset({"continue", "true"})
_NO_WEIGHT = frozenset({"", "0", "0.0"})
_GRAMS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_OPTIONS = (1, 2, 3)
_DEFAULT = ("", "default title")


def are_real(rows: Sequence[ProductRow]) -> bool:
    """Whether rows are variants, and not the one that Shopify makes for a product without any."""
    return len(rows) > 1 or (len(rows) == 1 and not _is_default(rows[0].cells))


def single(rows: Sequence[ProductRow], notes: Notes) -> dict[str, object]:
    """Return price and stock of a product without variants; `rows` has one row, or none."""
    if not rows:
        return {}
    price = _price(rows[0], notes)
    return (_prices(rows[0], price, notes) if price else {}) | _stock(rows[0], notes)


def several(
    rows: Sequence[ProductRow], every: Sequence[ProductRow], notes: Notes
) -> dict[str, object]:
    """Return the variants of a product; `every` row of it may name its options."""
    if "price" not in rows[0].cells:
        notes.warn("variants", f"No column of prices: the {len(rows)} variants are left alone")
        return {}
    names = _option_names(every, notes)
    siblings = [Sibling(row.line, _options(row, names), _values(row, notes)) for row in rows]
    values: dict[str, object] = {"variants": variants(siblings, notes)}
    if "sku" in rows[0].cells:
        values["sku"] = None  # each of the variants has its own
    _warn_of_lost(rows, notes)
    return values


def weight(rows: Sequence[ProductRow], notes: Notes) -> dict[str, str]:
    """Return the weight that all variants share, if they do. The column holds grams always."""
    weights = {row.cells.get("grams", "") for row in rows}
    text = weights.pop() if len(weights) == 1 else ""
    if text in _NO_WEIGHT:
        return {}
    if not _GRAMS.fullmatch(text):
        notes.warn("attributes", f"Weight '{printable(text)}' is no number of grams: left out")
        return {}
    grams = Decimal(text).normalize()
    return {"Weight": f"{grams:f} g"} if grams else {}


def _is_default(row: Mapping[str, str]) -> bool:
    others = row.get("option2") or row.get("option3")
    return not others and row.get("option1", "").lower() in _DEFAULT


def _option_names(rows: Sequence[ProductRow], notes: Notes) -> list[str]:
    """Return the names of the options, which stand on one row of the product."""
    columns = [f"option{number}_name" for number in _OPTIONS]
    found = [next((name for row in rows if (name := row.cells.get(c))), "") for c in columns]
    names = [name or f"Option{number}" for number, name in zip(_OPTIONS, found, strict=True)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        notes.refuse("variants", f"Two options have the name '{printable(name)}'")
    return names


def _options(row: ProductRow, names: Sequence[str]) -> dict[str, str]:
    cells = [row.cells.get(f"option{number}") for number in _OPTIONS]
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _values(row: ProductRow, notes: Notes) -> dict[str, object]:
    values = _stock(row, notes)
    if price := _price(row, notes):
        values |= _prices(row, price, notes)
    elif not row.cells["price"]:
        notes.refuse("price", "The variant has no price", row.line)
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "variant_image" in row.cells:
        values["image"] = address(row.cells["variant_image"])
    return values


def _price(row: ProductRow, notes: Notes) -> Amount | None:
    return amount(row.cells.get("price", ""), "price", "Price", row.line, notes)


def _prices(row: ProductRow, price: Amount, notes: Notes) -> dict[str, object]:
    """Return the prices of a variant, the compare-at price if the file has one."""
    if "compare_at_price" not in row.cells:
        return {"price": price.text}
    cell = row.cells["compare_at_price"]
    found = amount(cell, "compare_at_price", "Compare-at price", row.line, notes)
    if found and found.number <= price.number:
        why = f"Compare-at price {found.text} is not above the price {price.text}: left out"
        notes.warn("compare_at_price", why, row.line)
        found = None
    return {"price": price.text, "compare_at_price": found.text if found else None}


def _stock(row: ProductRow, notes: Notes) -> dict[str, object]:
    """Return what the file says of the stock of a variant, and whether it is tracked."""
    values: dict[str, object] = {}
    if "quantity" in row.cells:
        values["stock_quantity"] = quantity(row.cells["quantity"], row.line, notes)
    if row.cells.get("policy", "").lower() in _CONTINUE:
        values["track_stock"] = False
    elif "tracker" in row.cells:
        values["track_stock"] = bool(row.cells["tracker"])
    return values


def _warn_of_lost(rows: Sequence[ProductRow], notes: Notes) -> None:
    """Warn, once for a product, of what variants have here but not in this shop."""
    lost = ["barcodes"] if any(row.cells.get("barcode") for row in rows) else []
    if len({row.cells.get("grams", "") for row in rows}) > 1:
        lost.append("weights")
    if lost:
        notes.warn("variants", f"The {' and '.join(lost)} of its {len(rows)} variants: left out")
