"""Parse the prices and sales of WooCommerce's products and variations."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

from eggypro_adapters.files import prices
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_core.validation.fields import InvalidValueError, decimal, escape_control

_TIME = r"(?:[T ,].*)?"
_YEAR_FIRST = re.compile(rf"([0-9]{{4}})[-/.]([0-9]{{1,2}})[-/.]([0-9]{{1,2}}){_TIME}")
_DAY_FIRST = re.compile(rf"([0-9]{{1,2}})[-/.] ?([0-9]{{1,2}})[-/.] ?([0-9]{{4}}){_TIME}")
_TIMESTAMP = re.compile("[0-9]{9,10}")
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)?")
"""The prices of nearly all files, which need no further parsing."""
_MONTHS_PER_YEAR = 12


class Price(NamedTuple):
    """The price to pay, and the compare-at price."""

    text: str
    compare_at: str | None


class _Amount(NamedTuple):
    """An amount of money, and its text."""

    value: Decimal
    text: str


def has_price_column(row: WooCommerceRow) -> bool:
    """Return whether the file has regular prices."""
    return "price" in row.cells


def parse_price(
    row: WooCommerceRow, messages: RowMessages, today: date, *, decimal_comma: bool
) -> Price | None:
    """Return the sale price of a row while the sale lasts, else the regular price.

    If both are blank, it is the current price. Returns None if all are blank. A sale price of 0 is
    ignored, and so is any sale price in a file without regular prices.
    """
    if not has_price_column(row):
        if text := row.cell("sale_price"):
            message = f"Sale price '{escape_control(text)}' without a regular price: ignored"
            messages.add_warning("compare_at_price", message, row.line, value=text)
        return None
    regular = _amount(row, "price", messages, decimal_comma=decimal_comma)
    sale = _amount(row, "sale_price", messages, decimal_comma=decimal_comma)
    if sale is not None and sale.value == 0:
        sale = None
    if sale is None or regular is None:
        amount = sale or regular
        if amount is None:
            amount = _amount(row, "current_price", messages, decimal_comma=decimal_comma)
        return Price(amount.text, None) if amount else None
    if sale.value >= regular.value:
        message = f"Sale price {sale.text} is not below the price {regular.text}: ignored"
        messages.add_warning("compare_at_price", message, row.line, value=sale.text)
        return Price(regular.text, None)
    if _is_over(row, sale.text, regular.text, messages, today):
        return Price(regular.text, None)
    return Price(sale.text, regular.text)


def price_fields(row: WooCommerceRow, price: Price | None) -> dict[str, object]:
    """Return the price, and the compare-at price if the file has a sale price column."""
    if price is None:
        return {}
    values: dict[str, object] = {"price": price.text}
    if "sale_price" in row.cells:
        values["compare_at_price"] = price.compare_at
    return values


def parse_date(text: str) -> date | None:
    """Return the date in the notation of a site: year first, day first or a timestamp.

    `11/20/2021` can only be month first. Returns None for anything else.
    """
    text = text.strip()
    if _TIMESTAMP.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC).date()
    if match := _YEAR_FIRST.fullmatch(text):
        year, month, day = map(int, match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = map(int, match.groups())
        if month > _MONTHS_PER_YEAR:
            day, month = month, day
    else:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _is_over(
    row: WooCommerceRow, sale: str, regular: str, messages: RowMessages, today: date
) -> bool:
    """Return whether the sale of a row is outside its dates, with a warning about them."""
    starts = _date(row, "sale_starts", messages)
    ends = _date(row, "sale_ends", messages)
    if starts and starts > today:
        message = (
            f"The sale at {sale} starts on {starts}: imported with the regular price {regular}"
        )
    elif ends and ends < today:
        message = f"The sale at {sale} ended on {ends}: imported with the regular price {regular}"
    elif ends:
        message = f"The sale at {sale} ends on {ends}: import the file again after that day"
    else:
        return False
    messages.add_warning("price", message, row.line, value=sale)
    return bool((starts and starts > today) or (ends and ends < today))


def _date(row: WooCommerceRow, name: str, messages: RowMessages) -> date | None:
    text = row.cell(name)
    day = parse_date(text)
    if text and day is None:
        message = f"Unknown date '{escape_control(text)}' of the sale: ignored"
        messages.add_warning("price", message, row.line, value=text)
    return day


def _amount(
    row: WooCommerceRow, name: str, messages: RowMessages, *, decimal_comma: bool
) -> _Amount | None:
    cell = row.cell(name)
    if not cell:
        return None
    if not decimal_comma and _PLAIN.fullmatch(cell):
        return _Amount(Decimal(cell), cell)
    try:
        text = prices.parse_price(cell, decimal_comma=decimal_comma)
        return None if text is None else _Amount(decimal("Price", text), text)
    except InvalidValueError as error:
        field = "compare_at_price" if name == "sale_price" else "price"
        messages.add_error(field, str(error), row.line, value=cell)
        return None
