"""Price, stock and options: of a product by itself, and of its variations."""

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
    """What is paid, and what it is compared with."""

    text: str
    compare_at: str | None


def parse_price(row: WooCommerceRow, notes: RowMessages) -> Price | None:
    """Return the price of a row, None where it has none: the sale price, if it is the lower."""
    regular = _amount(row, "price", "Price", notes)
    sale = _amount(row, "sale_price", "Sale price", notes)
    if sale is None or regular is None:
        found = sale or regular
        return Price(found.text, None) if found else None
    if sale.number >= regular.number:
        why = f"Sale price {sale.text} is not below the price {regular.text}: left out"
        notes.add_warning("price", why, row.line)
        return Price(regular.text, None)
    if row.cells.get("sale_starts") or row.cells.get("sale_ends"):
        notes.add_warning(
            "price", f"The sale is dated: {sale.text} is taken as the price", row.line
        )
    return Price(sale.text, regular.text)


def price_fields(row: WooCommerceRow, found: Price) -> dict[str, object]:
    """Return the prices of a row, the compare-at price if its file has sales."""
    values: dict[str, object] = {"price": found.text}
    if "sale_price" in row.cells:
        values["compare_at_price"] = found.compare_at
    return values


def stock_fields(row: WooCommerceRow, notes: RowMessages) -> dict[str, object]:
    """Return stock, which is not tracked where it is blank, or may be sold on backorder.

    What is out of stock by hand is tracked at zero: it cannot be bought.
    """
    cells = row.cells
    if "stock" not in cells and "in_stock" not in cells:
        return {}
    if cells.get("stock", "").lower() == "parent":
        cells = {**cells, "stock": ""}  # of a parent that counts none itself
    can_wait = cells.get("backorders", "").lower() not in ("", "0", "no")
    can_wait = can_wait or cells.get("in_stock", "").lower() == "backorder"
    number = parse_quantity(cells.get("stock", ""), row.line, notes)
    sold_out = cells.get("in_stock") == "0"
    return {
        "stock_quantity": number,
        "track_stock": not can_wait and (bool(cells.get("stock")) or sold_out),
    }


def variant_fields(
    parent: WooCommerceRow,
    rows: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    notes: RowMessages,
) -> list[dict[str, object]]:
    """Return the variants that the variations of a product with prices are."""
    found = []
    sharing = [row for row in rows if _shares_stock(parent, row)]
    for row in sorted(rows, key=_position):
        cost = parse_price(row, notes)
        if cost is None:
            notes.add_warning("variants", "A variation without a price: left out", row.line)
            continue
        stocked = _with_stock_of(parent, row) if row in sharing else row
        values = _values(stocked, cost, notes)
        found.append(VariantRow(row.line, parse_options(row, columns), values))
    if len(sharing) > 1:
        notes.add_warning(
            "variants", f"{len(sharing)} variations share one stock: each is given it all"
        )
    _warn_about_dropped(rows, notes)
    return variants_from_rows(found, notes)


def parse_options(row: WooCommerceRow, columns: WooCommerceColumns) -> dict[str, str]:
    """Return the options of a variation; a blank one means any."""
    return {name: value for name, value in row_attributes(row, columns) if name and value}


def row_attributes(row: WooCommerceRow, columns: WooCommerceColumns) -> Iterator[tuple[str, str]]:
    """Return the names and values of the attributes of a row, either of which may be blank."""
    for name, value in columns.attribute_pairs:
        yield (
            entities.unescape(row.cells[name]),
            entities.unescape(", ".join(split_list(row.cells[value]))),
        )


def is_published(row: WooCommerceRow) -> bool | None:
    """Return whether a row is on sale, None where it says nothing: 0 is private, -1 a draft."""
    word = row.cells.get("published", "").lower()
    return word in _PUBLISHED if word in _PUBLISHED | _UNPUBLISHED else None


def _values(row: WooCommerceRow, cost: Price, notes: RowMessages) -> dict[str, object]:
    values = price_fields(row, cost) | stock_fields(row, notes)
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


def _amount(row: WooCommerceRow, name: str, label: str, notes: RowMessages) -> Amount | None:
    cell = _DECIMAL_COMMA.sub(r"\1.\2", row.cells.get(name, ""))
    return parse_amount(cell, "price", label, row.line, notes)


def _position(row: WooCommerceRow) -> int:
    text = row.cells.get("position", "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else _LAST_POSITION


def _warn_about_dropped(rows: Sequence[WooCommerceRow], notes: RowMessages) -> None:
    """Warn, once for a product, of what variations have but variants of this shop have not."""
    lost = {
        what: None
        for name, what in _DROPPED_COLUMNS.items()
        if any(row.cells.get(name) for row in rows)
    }
    if lost:
        notes.add_warning("variants", f"The {' and '.join(lost)} of its variations: left out")
