"""Price, stock and options: of a product by itself, and of its variations."""

import html as entities
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from eggypro_adapters.files.amounts import Amount, amount, quantity
from eggypro_adapters.files.images import address
from eggypro_adapters.files.row_messages import Notes
from eggypro_adapters.files.variant_rows import Sibling, variants
from eggypro_adapters.files.woocommerce.columns import SIZES, Columns
from eggypro_adapters.files.woocommerce.rows import ProductRow
from eggypro_adapters.files.woocommerce.texts import items

_DECIMAL_COMMA = re.compile(r"^(-?[0-9]+),([0-9]{1,2})$")
_LOST = {"Barcode": "barcodes", "description": "descriptions", **dict.fromkeys(SIZES, "sizes")}
_LAST = 10**9
_PUBLISHED = frozenset({"1", "true", "yes"})
_UNPUBLISHED = frozenset({"0", "-1", "2", "false", "no"})


class Price(NamedTuple):
    """What is paid, and what it is compared with."""

    text: str
    compare_at: str | None


def price(row: ProductRow, notes: Notes) -> Price | None:
    """Return the price of a row, None where it has none: the sale price, if it is the lower."""
    regular = _amount(row, "price", "Price", notes)
    sale = _amount(row, "sale_price", "Sale price", notes)
    if sale is None or regular is None:
        found = sale or regular
        return Price(found.text, None) if found else None
    if sale.number >= regular.number:
        why = f"Sale price {sale.text} is not below the price {regular.text}: left out"
        notes.warn("price", why, row.line)
        return Price(regular.text, None)
    if row.cells.get("sale_starts") or row.cells.get("sale_ends"):
        notes.warn("price", f"The sale is dated: {sale.text} is taken as the price", row.line)
    return Price(sale.text, regular.text)


def prices(row: ProductRow, found: Price) -> dict[str, object]:
    """Return the prices of a row, the compare-at price if its file has sales."""
    values: dict[str, object] = {"price": found.text}
    if "sale_price" in row.cells:
        values["compare_at_price"] = found.compare_at
    return values


def stock(row: ProductRow, notes: Notes) -> dict[str, object]:
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
    number = quantity(cells.get("stock", ""), row.line, notes)
    sold_out = cells.get("in_stock") == "0"
    return {
        "stock_quantity": number,
        "track_stock": not can_wait and (bool(cells.get("stock")) or sold_out),
    }


def several(
    parent: ProductRow, rows: Sequence[ProductRow], columns: Columns, notes: Notes
) -> list[dict[str, object]]:
    """Return the variants that the variations of a product with prices are."""
    found = []
    sharing = [row for row in rows if _shares_stock(parent, row)]
    for row in sorted(rows, key=_position):
        cost = price(row, notes)
        if cost is None:
            notes.warn("variants", "A variation without a price: left out", row.line)
            continue
        stocked = _with_stock_of(parent, row) if row in sharing else row
        values = _values(stocked, cost, notes)
        found.append(Sibling(row.line, options(row, columns), values))
    if len(sharing) > 1:
        notes.warn("variants", f"{len(sharing)} variations share one stock: each is given it all")
    _warn_of_lost(rows, notes)
    return variants(found, notes)


def options(row: ProductRow, columns: Columns) -> dict[str, str]:
    """Return the options of a variation; a blank one means any."""
    return {name: value for name, value in attributes(row, columns) if name and value}


def attributes(row: ProductRow, columns: Columns) -> Iterator[tuple[str, str]]:
    """Return the names and values of the attributes of a row, either of which may be blank."""
    for name, value in columns.pairs:
        yield (
            entities.unescape(row.cells[name]),
            entities.unescape(", ".join(items(row.cells[value]))),
        )


def is_published(row: ProductRow) -> bool | None:
    """Return whether a row is on sale, None where it says nothing: 0 is private, -1 a draft."""
    word = row.cells.get("published", "").lower()
    return word in _PUBLISHED if word in _PUBLISHED | _UNPUBLISHED else None


def _values(row: ProductRow, cost: Price, notes: Notes) -> dict[str, object]:
    values = prices(row, cost) | stock(row, notes)
    if "sku" in row.cells:
        values["sku"] = row.cells["sku"] or None
    if "images" in row.cells:
        values["image"] = next(filter(None, map(address, items(row.cells["images"]))), None)
    return values | {"is_active": is_published(row) is not False}


def _shares_stock(parent: ProductRow, row: ProductRow) -> bool:
    has_own = row.cells.get("stock", "").lower() not in ("", "parent")
    return not has_own and bool(parent.cells.get("stock"))


def _with_stock_of(parent: ProductRow, row: ProductRow) -> ProductRow:
    shared = {name: parent.cells.get(name, "") for name in ("stock", "backorders", "in_stock")}
    return row._replace(cells={**row.cells, **shared})


def _amount(row: ProductRow, name: str, label: str, notes: Notes) -> Amount | None:
    cell = _DECIMAL_COMMA.sub(r"\1.\2", row.cells.get(name, ""))
    return amount(cell, "price", label, row.line, notes)


def _position(row: ProductRow) -> int:
    text = row.cells.get("position", "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else _LAST


def _warn_of_lost(rows: Sequence[ProductRow], notes: Notes) -> None:
    """Warn, once for a product, of what variations have but variants of this shop have not."""
    lost = {what: None for name, what in _LOST.items() if any(row.cells.get(name) for row in rows)}
    if lost:
        notes.warn("variants", f"The {' and '.join(lost)} of its variations: left out")
