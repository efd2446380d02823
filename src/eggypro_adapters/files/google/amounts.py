"""Parse the prices, sale dates and weights of feeds."""

import re
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from eggypro_adapters.files import prices
from eggypro_adapters.files.weights import GRAMS
from eggypro_core.validation.fields import InvalidValueError, escape_control

_SIGNS = {"€": "EUR", "£": "GBP"}
_CURRENCY = re.compile(r"(?<![^\W\d_])[A-Za-z]{3}(?![^\W\d_])|[€£]")
_WEIGHT = re.compile(r"(?P<number>\d+(?:[.,]\d+)*)\s*(?P<unit>[a-z]*)\.?", re.IGNORECASE)
_MOMENT = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})"
    r"(?:\.\d+)?)?\s*(?P<zone>Z|[+-]\d{2}:?(?:\d{2})?)?)?"
)
_MAX_NUMBER_LENGTH = 30


class Price(NamedTuple):
    """A price: its plain decimal text, and its currency code or ""."""

    text: str
    currency: str

    @property
    def value(self) -> Decimal:
        """Return the amount."""
        return Decimal(self.text)


def parse_price(cell: str) -> Price | None:
    """Return the price in a cell such as `12.50 EUR`, or None if the cell is blank.

    Raises InvalidValueError if it is not a single price.
    """
    text = prices.parse_price(cell)
    if text is None:
        return None
    if not re.search(r"\d", text) or len(text) > _MAX_NUMBER_LENGTH:
        raise InvalidValueError(
            f"'{escape_control(cell.strip(), 60)}' is not a price: write it like 12.50 EUR"
        )
    currency = _CURRENCY.search(cell)
    code = currency[0].upper() if currency else ""
    return Price(text, _SIGNS.get(code, code))


def parse_weight(cell: str) -> int | str | None:
    """Return the grams of a weight such as `1.5 oz`, or None if it has no known unit."""
    match = _WEIGHT.fullmatch(cell.strip())
    factor = GRAMS.get(match["unit"].lower()) if match else None
    if not match or factor is None or len(match["number"]) > _MAX_NUMBER_LENGTH:
        return None
    grams = Decimal(prices.parse_price(match["number"]) or 0) * factor
    return int(grams) if grams == int(grams) else f"{grams.normalize():f}"


def is_within(period: str, now: datetime) -> bool:
    """Return whether `now` is within a period: two ISO 8601 times separated by `/`.

    Times without a zone are in UTC; a last day without a time is included. Raises
    InvalidValueError if it is not a period.
    """
    start, slash, end = period.partition("/")
    try:
        started = _moment(start) <= now
        ended = bool(end.strip()) and now > _moment(end, is_end=True)
    except ValueError:
        started = ended = False
        slash = ""
    if not slash:
        raise InvalidValueError(
            f"'{escape_control(period, 60)}' is not a period, such as "
            "2026-05-01T00:00+00:00/2026-05-31T23:59+00:00"
        )
    return started and not ended


def _moment(text: str, *, is_end: bool = False) -> datetime:
    match = _MOMENT.fullmatch(text.strip())
    if not match:
        raise ValueError(text)
    if match["hour"] is None:
        clock = "23:59:59.999999" if is_end else "00:00:00"
        return datetime.fromisoformat(f"{match['date']}T{clock}+00:00")
    zone = match["zone"] or "Z"
    clock = f"{match['hour']:0>2}:{match['minute']}:{match['second'] or '00'}"
    return datetime.fromisoformat(f"{match['date']}T{clock}{_zone(zone)}")


def _zone(text: str) -> str:
    if text == "Z":
        return "+00:00"
    digits = text[1:].replace(":", "")
    return f"{text[0]}{digits[:2]}:{digits[2:] or '00'}"
