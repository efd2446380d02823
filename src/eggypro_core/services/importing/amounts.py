"""Fit imported prices, stock quantities, weights and barcodes into their fields."""

import re
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from eggypro_core.domain.gtin import is_gtin
from eggypro_core.domain.pricing import MAX_PRICE
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.validation.fields import CENT, MAX_INTEGER, InvalidValueError, decimal
from eggypro_core.validation.unset import UNSET, Unset

_PLAIN_PRICE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,2})?")
_GTIN_SIGNS = re.compile(r"[\s-]+")


def fit_price(value: object, messages: EntryMessages) -> Decimal | Unset | None:
    """Return a price rounded to the cent, or None if it is missing or out of range.

    Returns UNSET, with an error, for a price that is not a number.
    """
    if isinstance(value, str) and _PLAIN_PRICE.fullmatch(value):
        return Decimal(value) or None
    if _is_blank(value):
        return None
    amount = _parse(value)
    if amount is None:
        message = f"Price '{shown(value)}' is not a number: write it like 1234.50"
        messages.fail("price", message, value)
        return UNSET
    if not 0 < amount <= MAX_PRICE:
        return None
    return _round_price(amount, "price", "Price", value, messages) or None


def no_price_message(value: object) -> str:
    """Return the warning for a product or variant for whose price `fit_price` returns None."""
    if _is_blank(value):
        return "Skipped: no price"
    amount = _parse(value)
    if amount is not None and amount > MAX_PRICE:
        return f"Skipped: the price {shown(value)} is above {MAX_PRICE}"
    return f"Skipped: the price is {shown(value)}"


def fit_compare_at_price(value: object, price: Decimal | None, messages: EntryMessages) -> object:
    """Return a compare-at price; None if it is missing, out of range or not above the price."""
    name, label = "compare_at_price", "Compare-at price"
    if value is None or (price is not None and _is_plain_price_above(value, price)):
        return value
    if _is_blank(value):
        return None
    amount = _parse(value)
    if amount is None:
        messages.warn(name, f"{label} '{shown(value)}' is not a number: ignored", value)
        return UNSET
    if problem := _compare_at_problem(amount, price):
        messages.warn(name, f"{label} {shown(value)} {problem}: ignored", value)
        return None
    if amount == 0:
        return None
    rounded = _round_price(amount, name, label, value, messages)
    return price_value(value, rounded) if rounded > (price or 0) else None


def _is_plain_price_above(value: object, price: Decimal) -> bool:
    return (
        isinstance(value, str)
        and _PLAIN_PRICE.fullmatch(value) is not None
        and Decimal(value) > price
    )


def _compare_at_problem(amount: Decimal, price: Decimal | None) -> str:
    if amount < 0:
        return "is negative"
    if amount > MAX_PRICE:
        return f"is above {MAX_PRICE}"
    is_above = price is None or amount == 0 or amount > price
    return "" if is_above else f"is not above the price {price}"


def price_value(value: object, price: Decimal) -> object:
    """Return the value if its validator accepts it unchanged, else the text of the price."""
    return value if _is_exact(value) else str(price)


def fit_stock_quantity(value: object, messages: EntryMessages) -> object:
    """Return a stock quantity: an integer from 0 to MAX_INTEGER; UNSET if it is unusable."""
    if type(value) is int and 0 <= value <= MAX_INTEGER:
        return value
    name, label = "stock_quantity", "Stock quantity"
    if _is_blank(value):
        return UNSET
    amount = _parse(value)
    if amount is None:
        messages.warn(name, f"{label} '{shown(value)}' is not a number: ignored", value)
        return UNSET
    if amount < 0:
        messages.warn(name, f"Negative stock ({shown(value)}): imported as 0", value)
        return 0
    if amount > MAX_INTEGER:
        messages.warn(name, f"{label} {shown(value)} is too high: imported as {MAX_INTEGER}", value)
        return MAX_INTEGER
    whole = int(amount.to_integral_value(ROUND_FLOOR))
    if whole != amount:
        messages.warn(name, f"{label} {shown(value)} is not whole: imported as {whole}", value)
    return whole


def fit_weight(value: object, messages: EntryMessages) -> object:
    """Return a weight in whole grams, rounded half up; None if it is blank."""
    if type(value) is int and 0 <= value <= MAX_INTEGER:
        return value
    if _is_blank(value):
        return None
    amount = _parse(value)
    if amount is None or not 0 <= amount <= MAX_INTEGER:
        reason = "is not a number" if amount is None else "is out of range"
        messages.warn("weight_grams", f"Weight '{shown(value)}' {reason}: ignored", value)
        return UNSET
    return int(amount.to_integral_value(ROUND_HALF_UP))


def fit_gtin(value: object) -> str | Unset | None:
    """Return a GTIN without spaces and hyphens: None if it is blank, UNSET if it is invalid."""
    if isinstance(value, str) and is_gtin(value):
        return value
    if _is_blank(value):
        return None
    text = _GTIN_SIGNS.sub("", str(value))
    return text if is_gtin(text) else UNSET


def fit_boolean(value: object, name: str, label: str, messages: EntryMessages) -> object:
    """Return a boolean, UNSET for anything else."""
    if isinstance(value, bool) or _is_blank(value):
        return value if isinstance(value, bool) else UNSET
    messages.warn(name, f"{label} '{shown(value)}' is neither true nor false: ignored", value)
    return UNSET


def _parse(value: object) -> Decimal | None:
    if isinstance(value, str):
        value = value.strip().removeprefix("+")
    elif isinstance(value, float):
        value = repr(value)
    try:
        return decimal("", value)
    except InvalidValueError:
        return None


def _round_price(
    amount: Decimal, name: str, label: str, value: object, messages: EntryMessages
) -> Decimal:
    rounded = amount.quantize(CENT, ROUND_HALF_UP)
    if rounded != amount and rounded:
        message = f"{label} {shown(value)} has more than two decimals: rounded to {rounded}"
        messages.warn(name, message, value)
    return rounded


def _is_exact(value: object) -> bool:
    if isinstance(value, str):
        return _PLAIN_PRICE.fullmatch(value) is not None
    return isinstance(value, int) or (isinstance(value, Decimal) and value == value.quantize(CENT))


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
