"""Parse variants, or the offer of a product without variants, from Shopify's rows."""

import re
from collections.abc import Mapping, Sequence

from eggypro_adapters.files.cell_parsers import parse_integer
from eggypro_adapters.files.prices import parse_price
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_core.validation.fields import InvalidValueError, escape_control

YES = frozenset({"true", "yes", "1", "wahr", "vrai", "vero", "verdadero", "verdadeiro"})
"""TRUE, also as spreadsheets in other languages write it."""
NO = frozenset({"false", "no", "0", "falsch", "faux", "falso"})
_CONTINUE = YES | {"continue"}
_NO_WEIGHT = re.compile(r"0*([.,]0*)?")
_OPTION_NUMBERS = (1, 2, 3)
_MAX_SHOWN_LENGTH = 100
_OFFER_CELLS = (
    *("sku", "barcode", "price", "compare_at_price", "tracker", "quantity", "policy", "grams"),
)


def has_real_variants(rows: Sequence[ShopifyRow]) -> bool:
    """Return whether the rows are variants, not the default one of a product without variants."""
    return not all(row.is_default for row in rows)


def offer_fields(rows: Sequence[ShopifyRow], messages: RowMessages) -> dict[str, object]:
    """Return the offer of a product without variants, from its only distinct row."""
    first, *others = rows
    for row in others:
        if _offer_cells(row) == _offer_cells(first):
            messages.add_warning(
                "variants",
                f"Skipped: the row repeats line {first.line}, and the product has no variants",
                row.line,
            )
        else:
            messages.add_error(
                "variants",
                f"Lines {first.line} and {row.line} have different prices, SKUs or stock of the "
                "same product, and no options: keep one of them, or add options",
                row.line,
            )
    return offer(first, messages)


def offer(row: ShopifyRow, messages: RowMessages) -> dict[str, object]:
    """Return the values of a variant, or of a product without variants."""
    cells = row.cells
    values: dict[str, object] = {
        name: _price(row, name, messages) for name in ("price", "compare_at_price") if name in cells
    }
    if "sku" in cells:
        values["sku"] = cells["sku"] or None
    if "barcode" in cells:
        values["gtin"] = cells["barcode"] or None
    if "grams" in cells:
        values["weight_grams"] = _weight(row)
    return values | _stock(cells)


def variant_fields(
    rows: Sequence[ShopifyRow], all_rows: Sequence[ShopifyRow], messages: RowMessages
) -> dict[str, object]:
    """Return the variants of a product; any of `all_rows` may have the names of its options.

    The product has a weight if all variants have the same one.
    """
    names = _option_names(all_rows, messages)
    variants = []
    for position, row in enumerate(rows):
        variant = {
            "options": _options(row, names),
            "is_active": True,
            **offer(row, messages),
            "position": position,
        }
        if "variant_image" in row.cells:
            variant["image"] = row.cells["variant_image"] or None
        variants.append(variant)
    values: dict[str, object] = {"variants": variants}
    weights = {variant.get("weight_grams") for variant in variants}
    if len(weights) == 1 and None not in weights:
        values["weight_grams"] = weights.pop()
    return values


def _weight(row: ShopifyRow) -> str | None:
    """Return the grams in a row; Shopify writes 0 if there is no weight."""
    cell = row.cells["grams"]
    if _NO_WEIGHT.fullmatch(cell):
        return None
    return cell.replace(",", ".") if row.decimal_comma else cell


def _offer_cells(row: ShopifyRow) -> list[str | None]:
    return [row.cells.get(name) for name in _OFFER_CELLS]


def _option_names(rows: Sequence[ShopifyRow], messages: RowMessages) -> list[str]:
    """Return the names of the options, each from the first row that has it."""
    names: list[str] = []
    for number in _OPTION_NUMBERS:
        column = f"option{number}_name"
        name = next((name for row in rows if (name := row.cells.get(column))), "")
        if name in names and any(row.cells.get(f"option{number}") for row in rows):
            shown = escape_control(name)
            message = f"Two options are named '{shown}': imported as '{shown} {number}'"
            messages.add_warning("options", message, value=name)
            name = f"{name} {number}"
        names.append(name or f"Option{number}")
    return names


def _options(row: ShopifyRow, names: Sequence[str]) -> dict[str, str]:
    cells = [row.cells.get(f"option{number}") for number in _OPTION_NUMBERS]
    return {name: cell for name, cell in zip(names, cells, strict=True) if cell}


def _price(row: ShopifyRow, name: str, messages: RowMessages) -> str | None:
    cell = row.cells[name]
    try:
        return parse_price(cell, decimal_comma=row.decimal_comma)
    except InvalidValueError as error:
        messages.add_error(name, str(error), row.line, value=cell[:_MAX_SHOWN_LENGTH])
        return None


def _stock(cells: Mapping[str, str]) -> dict[str, object]:
    """Return stock quantity and tracking, if the file has the columns.

    Without a quantity, it is unknown whether a tracked variant is in stock.
    """
    values: dict[str, object] = {}
    if quantity := cells.get("quantity"):
        values["stock_quantity"] = parse_integer(quantity)
    if cells.get("policy", "").lower() in _CONTINUE or cells.get("tracker") == "":
        values["track_stock"] = False
    elif "tracker" in cells and quantity:
        values["track_stock"] = True
    return values
