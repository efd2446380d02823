"""Parse the stock of WooCommerce's products and variations."""

from collections.abc import Sequence

from eggypro_adapters.files.cell_parsers import parse_integer
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow

_SHARED_COLUMNS = ("stock", "backorders", "in_stock")
_OUT_OF_STOCK = frozenset({"0", "no", "false", "outofstock"})
_NO_BACKORDERS = frozenset({"", "0", "no", "false"})


def stock_fields(row: WooCommerceRow) -> dict[str, object]:
    """Return the stock of a row, or nothing if the file does not have it.

    Stock is not tracked if backorders are allowed, or if the quantity is blank and the product in
    stock. A product without a quantity that is out of stock has 0.
    """
    text = _quantity_text(row)
    if text:
        allows_backorders = row.cell("backorders").lower() not in _NO_BACKORDERS
        return {"stock_quantity": parse_integer(text), "track_stock": not allows_backorders}
    if row.cell("in_stock").lower() in _OUT_OF_STOCK:
        return {"stock_quantity": 0, "track_stock": True}
    return {"track_stock": False} if "stock" in row.cells else {}


def with_parent_stock(
    parent: WooCommerceRow, rows: Sequence[WooCommerceRow], messages: RowMessages
) -> list[WooCommerceRow]:
    """Return the rows of variations; those without a quantity get the stock of their parent."""
    if not _quantity_text(parent):
        return list(rows)
    sharing = {row.line for row in rows if not _quantity_text(row)}
    shared = {name: parent.cells[name] for name in _SHARED_COLUMNS if name in parent.cells}
    if len(sharing) > 1:
        messages.add_warning(
            "variants",
            f"{len(sharing)} variations share the stock of their parent: each gets the full stock",
            value=parent.cell("stock"),
        )
    elif sharing:
        messages.add_warning(
            "variants",
            "The variation has the stock of its parent",
            min(sharing),
            value=parent.cell("stock"),
        )
    return [
        row._replace(cells={**row.cells, **shared}) if row.line in sharing else row for row in rows
    ]


def _quantity_text(row: WooCommerceRow) -> str:
    """Return the quantity of a row, or "" if it has none of its own."""
    text = row.cell("stock")
    return "" if text.lower() == "parent" else text
