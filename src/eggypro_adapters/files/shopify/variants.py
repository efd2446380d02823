"""What the rows of variants say: of a single one that is the product itself, or of several."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from eggypro_adapters.files.amounts import Amount, parse_amount, parse_quantity
from eggypro_adapters.files.images import https_url
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_adapters.files.variant_rows import VariantRow, variants_from_rows
from eggypro_core.validation.fields import escape_control

_CONTINUE = frozenset({"continue", "true"})
_NO_WEIGHT = frozenset({"", "0", "0.0"})
_GRAMS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_OPTION_NUMBERS = (1, 2, 3)
_DEFAULT_TITLES = ("", "default title")


def has_real_variants(rows: Sequence[ShopifyRow]) -> bool:
    """Whether rows are variants, and not the one that Shopify makes for a product without any."""
    return len(rows) > 1 or (len(rows) == 1 and not _is_default(rows[0].cells))


def offer_fields(rows: Sequence[ShopifyRow], notes: RowMessages) -> dict[str, object]:
    """Return price and stock of a product without variants; `rows` has one row, or none."""
    if not rows:
        return {}
    price = _price(rows[0], notes)
    return (_prices(rows[0], price, notes) if price else {}) | _stock(rows[0], notes)


def variant_fields(
    rows: Sequence[ShopifyRow], every: Sequence[ShopifyRow], notes: RowMessages
) -> dict[str, object]:
    """Return the variants of a product; `every` row of it may name its options."""
    if "price" not in rows[0].cells:
        notes.add_warning(
            "variants", f"No column of prices: the {len(rows)} variants are left alone"
        )
        return {}
    names = _option_names(every, notes)
    siblings = [VariantRow(row.line, _options(row, names), _values(row, notes)) for row in rows]
    values: dict[str, object] = {"variants": variants_from_rows(siblings, notes)}
    if "sku" in rows[0].cells:
        values["sku"] = None  # each of the variants has its own
    _warn_about_dropped(rows, notes)
    return values


def shared_weight(rows: Sequence[ShopifyRow], notes: RowMessages) -> dict[str, str]:
    """Return the weight that all variants share, if they do. The column holds grams always."""
    weights = {row.cells.get("grams", "") for row in rows}
    text = weights.pop() if len(weights) == 1 else ""
    if text in _NO_WEIGHT:
        return {}
    if not _GRAMS.fullmatch(text):
        notes.add_warning(
            "attributes", f"Weight '{escape_control(text)}' is no number of grams: left out"
        )
        return {}
    grams = Decimal(text).normalize()
    return {"Weight": f"{grams:f} g"} if grams else {}


def _is_default(row: Mapping[str, str]) -> bool:
    others = row.get("option2") or row.get("option3")
    return not others and row.get("option1", "").lower() in _DEFAULT_TITLES


def _option_names(rows: Sequence[ShopifyRow], notes: RowMessages) -> list[str]:
    """Return the names of the options, which stand on one row of the product."""
    columns = [f"option{number}_name" for number in _OPTION_NUMBERS]
    found = [next((name for row in rows if (name := row.cells.get(c))), "") for c in columns]
    names = [name or f"Option{number}" for number, name in zip(_OPTION_NUMBERS, found, strict=True)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        notes.add_error("variants", f"Two options have the name '{escape_control(name)}'")
    return names


def _options(row: ShopifyRow, names: Sequence[str]) -> dict[str, str]:
    cells = [row.cells.get(f"option{number}") for number in _OPTION_NUMBERS]
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _values(row: ShopifyRow, notes: RowMessages) -> dict[str, object]:
    values = _stock(row, notes)
    if price := _price(row, notes):
        values |= _prices(row, price, notes)
    elif not row.cells["price"]:
        notes.add_error("price", "The variant has no price", row.line)
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "variant_image" in row.cells:
        values["image"] = https_url(row.cells["variant_image"])
    return values


def _price(row: ShopifyRow, notes: RowMessages) -> Amount | None:
    return parse_amount(row.cells.get("price", ""), "price", "Price", row.line, notes)


def _prices(row: ShopifyRow, price: Amount, notes: RowMessages) -> dict[str, object]:
    """Return the prices of a variant, the compare-at price if the file has one."""
    if "compare_at_price" not in row.cells:
        return {"price": price.text}
    cell = row.cells["compare_at_price"]
    found = parse_amount(cell, "compare_at_price", "Compare-at price", row.line, notes)
    if found and found.number <= price.number:
        why = f"Compare-at price {found.text} is not above the price {price.text}: left out"
        notes.add_warning("compare_at_price", why, row.line)
        found = None
    return {"price": price.text, "compare_at_price": found.text if found else None}


def _stock(row: ShopifyRow, notes: RowMessages) -> dict[str, object]:
    """Return what the file says of the stock of a variant, and whether it is tracked."""
    values: dict[str, object] = {}
    if "quantity" in row.cells:
        values["stock_quantity"] = parse_quantity(row.cells["quantity"], row.line, notes)
    if row.cells.get("policy", "").lower() in _CONTINUE:
        values["track_stock"] = False
    elif "tracker" in row.cells:
        values["track_stock"] = bool(row.cells["tracker"])
    return values


def _warn_about_dropped(rows: Sequence[ShopifyRow], notes: RowMessages) -> None:
    """Warn, once for a product, of what variants have here but not in this shop."""
    lost = ["barcodes"] if any(row.cells.get("barcode") for row in rows) else []
    if len({row.cells.get("grams", "") for row in rows}) > 1:
        lost.append("weights")
    if lost:
        notes.add_warning(
            "variants", f"The {' and '.join(lost)} of its {len(rows)} variants: left out"
        )
