"""Parse prices, stock and options of WooCommerce's products and variations."""

import html as entities
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eggypro_adapters.files.amounts import Amount, parse_amount, parse_quantity
from eggypro_adapters.files.images import https_url
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.variant_rows import VariantRow, variants_from_rows
from eggypro_adapters.files.woocommerce.columns import SIZES, WooCommerceColumns
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.texts import split_list

_DECIMAL_COMMA = re.compile(r"^(-?[0-9]+),([0-9]{1,2})$")
_DROPPED_COLUMNS = {
    "Barcode": "barcodes",
    "description": "descriptions",
    **dict.fromkeys(SIZES, "sizes"),
}
_LAST_POSITION = 10**9
_PUBLISHED = frozenset({"1", "true", "yes"})
_UNPUBLISHED = frozenset({"0", "-1", "2", "false", "no"})


class Price(NamedTuple):
    """The price to pay, and the compare-at price."""

    text: str
    compare_at: str | None


def parse_price(row: WooCommerceRow, messages: RowMessages) -> Price | None:
    """Return the sale price of a row if it is below the regular price, else the regular price.

    Returns None if the row has neither.
    """
    regular = _amount(row, "price", "Price", messages)
    sale = _amount(row, "sale_price", "Sale price", messages)
    if sale is None or regular is None:
        amount = sale or regular
        return Price(amount.text, None) if amount else None
    if sale.value >= regular.value:
        message = f"Sale price {sale.text} is not below the price {regular.text}: ignored"
        messages.add_warning("price", message, row.line)
        return Price(regular.text, None)
    if row.cells.get("sale_starts") or row.cells.get("sale_ends"):
        messages.add_warning(
            "price",
            f"The dates of the sale are ignored: the sale price {sale.text} becomes the price",
            row.line,
        )
    return Price(sale.text, regular.text)


def price_fields(row: WooCommerceRow, price: Price) -> dict[str, object]:
    """Return the price, and the compare-at price if the file has a sale price column."""
    values: dict[str, object] = {"price": price.text}
    if "sale_price" in row.cells:
        values["compare_at_price"] = price.compare_at
    return values


def stock_fields(row: WooCommerceRow, messages: RowMessages) -> dict[str, object]:
    """Return the stock, untracked if it is blank or backorders are allowed.

    A product marked as out of stock is tracked with quantity 0: it cannot be bought.
    """
    cells = row.cells
    if "stock" not in cells and "in_stock" not in cells:
        return {}
    if cells.get("stock", "").lower() == "parent":
        cells = {**cells, "stock": ""}  # the parent does not track stock either
    allows_backorders = cells.get("backorders", "").lower() not in ("", "0", "no")
    allows_backorders = allows_backorders or cells.get("in_stock", "").lower() == "backorder"
    quantity = parse_quantity(cells.get("stock", ""), row.line, messages)
    is_sold_out = cells.get("in_stock") == "0"
    return {
        "stock_quantity": quantity,
        "track_stock": not allows_backorders and (bool(cells.get("stock")) or is_sold_out),
    }


def variant_fields(
    parent: WooCommerceRow,
    rows: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    messages: RowMessages,
) -> list[dict[str, object]]:
    """Return the variants of a product: its variations that have a price, by position."""
    variant_rows = []
    sharing = [row for row in rows if _shares_stock(parent, row)]
    for row in sorted(rows, key=_position):
        price = parse_price(row, messages)
        if price is None:
            messages.add_warning("variants", "The variation has no price: not imported", row.line)
            continue
        row_with_stock = _with_stock_of(parent, row) if row in sharing else row
        values = _values(row_with_stock, price, messages)
        variant_rows.append(VariantRow(row.line, parse_options(row, columns), values))
    if len(sharing) > 1:
        messages.add_warning(
            "variants",
            f"{len(sharing)} variations share the stock of their parent: each gets all of it",
        )
    _warn_about_dropped(rows, messages)
    return variants_from_rows(variant_rows, messages)


def parse_options(row: WooCommerceRow, columns: WooCommerceColumns) -> dict[str, str]:
    """Return the options of a variation; a blank value means any and is omitted."""
    return {name: value for name, value in row_attributes(row, columns) if name and value}


def row_attributes(row: WooCommerceRow, columns: WooCommerceColumns) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a row's attributes; both may be blank."""
    for name, value in columns.attribute_pairs:
        yield (
            entities.unescape(row.cells[name]),
            entities.unescape(", ".join(split_list(row.cells[value]))),
        )


def is_published(row: WooCommerceRow) -> bool | None:
    """Return whether a row is published (0: private, -1: draft), or None if unknown."""
    word = row.cells.get("published", "").lower()
    return word in _PUBLISHED if word in _PUBLISHED | _UNPUBLISHED else None


def _values(row: WooCommerceRow, price: Price, messages: RowMessages) -> dict[str, object]:
    values = price_fields(row, price) | stock_fields(row, messages)
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "images" in row.cells:
        values["image"] = next(filter(None, map(https_url, split_list(row.cells["images"]))), None)
    return values | {"is_active": is_published(row) is not False}


def _shares_stock(parent: WooCommerceRow, row: WooCommerceRow) -> bool:
    has_own = row.cells.get("stock", "").lower() not in ("", "parent")
    return not has_own and bool(parent.cells.get("stock"))


def _with_stock_of(parent: WooCommerceRow, row: WooCommerceRow) -> WooCommerceRow:
    shared = {name: parent.cells.get(name, "") for name in ("stock", "backorders", "in_stock")}
    return row._replace(cells={**row.cells, **shared})


def _amount(row: WooCommerceRow, name: str, label: str, messages: RowMessages) -> Amount | None:
    cell = _DECIMAL_COMMA.sub(r"\1.\2", row.cells.get(name, ""))
    return parse_amount(cell, "price", label, row.line, messages)


def _position(row: WooCommerceRow) -> int:
    text = row.cells.get("position", "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else _LAST_POSITION


def _warn_about_dropped(rows: Sequence[WooCommerceRow], messages: RowMessages) -> None:
    """Warn once per product about values that variants cannot have in this shop."""
    dropped = {
        label: None
        for name, label in _DROPPED_COLUMNS.items()
        if any(row.cells.get(name) for row in rows)
    }
    if dropped:
        messages.add_warning(
            "variants", f"The {' and '.join(dropped)} of the variations are not imported"
        )
