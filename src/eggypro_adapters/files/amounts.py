"""Prices and stock in the cells of shops' files, where a wrong one is told with its line."""

from decimal import Decimal
from typing import NamedTuple

from eggypro_adapters.files import cell_parsers
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation.fields import InvalidValueError, decimal


class Amount(NamedTuple):
    """An amount of money, as it is written too."""

    number: Decimal
    text: str


def parse_amount(cell: str, name: str, label: str, line: int, notes: RowMessages) -> Amount | None:
    """Return the amount in a cell, None where it is blank or refused."""
    try:
        text = cell_parsers.parse_price(cell)
        return None if text is None else Amount(decimal(label, text), text)
    except InvalidValueError as refused:
        notes.add_error(name, str(refused), line)
        return None


def parse_quantity(cell: str, line: int, notes: RowMessages) -> int:
    """Return the stock in a cell: none for a blank one, and for a negative one, with a warning."""
    found = cell_parsers.parse_integer(cell or "0")
    if isinstance(found, str):
        notes.add_error("stock_quantity", "Stock quantity must be an integer", line)
        return 0
    if found < 0:
        notes.add_warning("stock_quantity", f"Negative stock ({found}) taken as 0", line)
    return max(0, found)
