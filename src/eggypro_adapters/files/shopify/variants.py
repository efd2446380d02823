"""Parse variants, or price and stock of a product without variants, from Shopify's rows."""

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
    """Return whether the rows are variants, not the default one of a product without variants."""
    return len(rows) > 1 or (len(rows) == 1 and not _is_default(rows[0].cells))


def offer_fields(rows: Sequence[ShopifyRow], messages: RowMessages) -> dict[str, object]:
    """Return price and stock of a product without variants; `rows` has at most one row."""
    if not rows:
        return {}
    price = _price(rows[0], messages)
    return (_prices(rows[0], price, messages) if price else {}) | _stock(rows[0], messages)


def variant_fields(
    rows: Sequence[ShopifyRow], all_rows: Sequence[ShopifyRow], messages: RowMessages
) -> dict[str, object]:
    """Return the variants of a product; any of `all_rows` may have the names of its options."""
    if "price" not in rows[0].cells:
        messages.add_warning(
            "variants", f"The file has no price column: the {len(rows)} variants are not imported"
        )
        return {}
    names = _option_names(all_rows, messages)
    variant_rows = [
        VariantRow(row.line, _options(row, names), _values(row, messages)) for row in rows
    ]
    values: dict[str, object] = {"variants": variants_from_rows(variant_rows, messages)}
    if "sku" in rows[0].cells:
        values["sku"] = None  # each variant has its own
    _warn_about_dropped(rows, messages)
    return values


def shared_weight(rows: Sequence[ShopifyRow], messages: RowMessages) -> dict[str, str]:
    """Return the weight if all variants share it. The column is always in grams."""
    weights = {row.cells.get("grams", "") for row in rows}
    text = weights.pop() if len(weights) == 1 else ""
    if text in _NO_WEIGHT:
        return {}
    if not _GRAMS.fullmatch(text):
        messages.add_warning(
            "attributes", f"Weight '{escape_control(text)}' is not a number of grams: ignored"
        )
        return {}
    grams = Decimal(text).normalize()
    return {"Weight": f"{grams:f} g"} if grams else {}


def _is_default(row: Mapping[str, str]) -> bool:
    has_more_options = row.get("option2") or row.get("option3")
    return not has_more_options and row.get("option1", "").lower() in _DEFAULT_TITLES


def _option_names(rows: Sequence[ShopifyRow], messages: RowMessages) -> list[str]:
    """Return the names of the options, each from the first row that has it."""
    columns = [f"option{number}_name" for number in _OPTION_NUMBERS]
    cells = [
        next((name for row in rows if (name := row.cells.get(column))), "") for column in columns
    ]
    names = [name or f"Option{number}" for number, name in zip(_OPTION_NUMBERS, cells, strict=True)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        messages.add_error(
            "variants", f"Two options are named '{escape_control(name)}': option names must differ"
        )
    return names


def _options(row: ShopifyRow, names: Sequence[str]) -> dict[str, str]:
    cells = [row.cells.get(f"option{number}") for number in _OPTION_NUMBERS]
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _values(row: ShopifyRow, messages: RowMessages) -> dict[str, object]:
    values = _stock(row, messages)
    if price := _price(row, messages):
        values |= _prices(row, price, messages)
    elif not row.cells["price"]:
        messages.add_error("price", "The variant has no price: each variant needs one", row.line)
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "variant_image" in row.cells:
        values["image"] = https_url(row.cells["variant_image"])
    return values


def _price(row: ShopifyRow, messages: RowMessages) -> Amount | None:
    return parse_amount(row.cells.get("price", ""), "price", "Price", row.line, messages)


def _prices(row: ShopifyRow, price: Amount, messages: RowMessages) -> dict[str, object]:
    """Return the price, and the compare-at price if the file has that column."""
    if "compare_at_price" not in row.cells:
        return {"price": price.text}
    cell = row.cells["compare_at_price"]
    compare_at = parse_amount(cell, "compare_at_price", "Compare-at price", row.line, messages)
    if compare_at and compare_at.value <= price.value:
        message = f"Compare-at price {compare_at.text} is not above the price {price.text}: ignored"
        messages.add_warning("compare_at_price", message, row.line)
        compare_at = None
    return {"price": price.text, "compare_at_price": compare_at.text if compare_at else None}


def _stock(row: ShopifyRow, messages: RowMessages) -> dict[str, object]:
    """Return stock quantity and tracking, as far as the file has the columns."""
    values: dict[str, object] = {}
    if "quantity" in row.cells:
        values["stock_quantity"] = parse_quantity(row.cells["quantity"], row.line, messages)
    if row.cells.get("policy", "").lower() in _CONTINUE:
        values["track_stock"] = False
    elif "tracker" in row.cells:
        values["track_stock"] = bool(row.cells["tracker"])
    return values


def _warn_about_dropped(rows: Sequence[ShopifyRow], messages: RowMessages) -> None:
    """Warn once per product about values that variants cannot have in this shop."""
    dropped = ["barcodes"] if any(row.cells.get("barcode") for row in rows) else []
    if len({row.cells.get("grams", "") for row in rows}) > 1:
        dropped.append("weights")
    if dropped:
        messages.add_warning(
            "variants",
            f"The {' and '.join(dropped)} of the {len(rows)} variants are not imported",
        )
