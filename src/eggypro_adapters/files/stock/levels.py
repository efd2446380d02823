"""Parse stock quantities of one SKU or variant, and sum them over locations."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from eggypro_adapters.files.prices import parse_price
from eggypro_core.domain.product import MAX_STOCK
from eggypro_core.domain.product_files import ImportMessage
from eggypro_core.validation.fields import InvalidValueError, escape_control

_MAX_DIGITS = 30
_NO_QUANTITY = frozenset({"", "not stocked"})


class StockCell(NamedTuple):
    """A cell with a quantity, and its line. `decimal_comma`: see `parse_price`."""

    line: int
    text: str
    decimal_comma: bool = False


class StockLevel(NamedTuple):
    """A sum of quantities, None if it is missing or invalid, and the messages about it."""

    quantity: int | None
    errors: tuple[ImportMessage, ...] = ()
    warnings: tuple[ImportMessage, ...] = ()


def has_quantity(text: str) -> bool:
    """Return whether a cell has a quantity: it is neither blank nor "not stocked"."""
    return text.strip().lower() not in _NO_QUANTITY


def sum_of_locations(cells: Sequence[StockCell]) -> StockLevel:
    """Return the sum of the cells of all locations. A negative sum is 0, with a warning."""
    stocked = [cell for cell in cells if has_quantity(cell.text)]
    if not stocked:
        return StockLevel(None)
    errors = tuple(_invalid(cell) for cell in stocked if _number(cell) is None)
    if errors:
        return StockLevel(None, errors)
    return _within_limits(sum(filter(None, map(_number, stocked)), Decimal()), stocked[0].line)


def _within_limits(quantity: Decimal, line: int) -> StockLevel:
    if quantity < 0:
        taken, message = 0, f"Negative stock ({quantity}): imported as 0"
    elif quantity > MAX_STOCK:
        taken, message = MAX_STOCK, f"Stock {quantity} is too high: imported as {MAX_STOCK}"
    elif quantity != int(quantity):
        taken = int(quantity)
        message = f"Stock {quantity} is not whole: imported as {taken}"
    else:
        return StockLevel(int(quantity))
    warning = ImportMessage(line, "stock_quantity", escape_control(message), value=str(quantity))
    return StockLevel(taken, warnings=(warning,))


def _number(cell: StockCell) -> Decimal | None:
    try:
        text = parse_price(cell.text[:_MAX_DIGITS], decimal_comma=cell.decimal_comma)
        return None if text is None else Decimal(text)
    except (InvalidValueError, InvalidOperation):
        return None


def _invalid(cell: StockCell) -> ImportMessage:
    text = escape_control(cell.text[:100])
    message = f"Quantity '{text}' is not a number: write it like 12"
    return ImportMessage(cell.line, "stock_quantity", message, value=text)
