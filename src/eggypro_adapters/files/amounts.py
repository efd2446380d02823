"""Parse prices and stock quantities of Shopify and WooCommerce cells."""

from decimal import Decimal
from typing import NamedTuple

from eggypro_adapters.files import cell_parsers
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation.fields import InvalidValueError, decimal


class Amount(NamedTuple):
    """An amount of money: its value, and its text in the file."""

    value: Decimal
    text: str


def parse_amount(
    cell: str, name: str, label: str, line: int, messages: RowMessages
) -> Amount | None:
    """Return the amount in a cell, or None if it is blank or invalid (with an error)."""
    try:
        text = cell_parsers.parse_price(cell)
        return None if text is None else Amount(decimal(label, text), text)
    except InvalidValueError as error:
        messages.add_error(name, str(error), line)
        return None


def parse_quantity(cell: str, line: int, messages: RowMessages) -> int:
    """Return the stock quantity in a cell: 0 if blank, and 0 with a warning if negative."""
    quantity = cell_parsers.parse_integer(cell or "0")
    if isinstance(quantity, str):
        messages.add_error("stock_quantity", "Stock quantity must be an integer", line)
        return 0
    if quantity < 0:
        messages.add_warning("stock_quantity", f"Negative stock ({quantity}): imported as 0", line)
    return max(0, quantity)
