"""Convert the numbers of a workbook to text, by their number formats."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import define, field

_DATE_IDS = frozenset((*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)))
"""Built-in formats that are dates or times."""
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DATE_SIGN = re.compile("[dmyhs]", re.IGNORECASE)
_INTEGER = re.compile("-?[0-9]+")
_SIGNIFICANT_DIGITS = 15
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - Excel's dates have no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
_FIRST_DAY_AFTER_FALSE_LEAP_DAY = 61
_GENERAL = "General"


@define
class NumberFormats:
    """The formats of a workbook's cells, filled from its styles: an XML handler."""

    is_1904: bool = False
    _codes: dict[int, str] = field(factory=dict, init=False)
    _cell_formats: list[int] = field(factory=list, init=False)
    _in_cell_formats: bool = field(default=False, init=False)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        if name == "numFmt":
            self._codes[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif name == "cellXfs":
            self._in_cell_formats = True
        elif name == "xf" and self._in_cell_formats:
            self._cell_formats.append(int(attributes.get("numFmtId", "0")))

    def end(self, name: str, _text: str) -> None:
        """End an element."""
        if name == "cellXfs":
            self._in_cell_formats = False

    def number_text(self, number: str, style: int) -> str:
        """Return a number of a cell as plain text, a date in ISO format."""
        format_id = self._cell_formats[style] if style < len(self._cell_formats) else 0
        code = self._codes.get(format_id, _GENERAL)
        if format_id in _DATE_IDS or _is_date(code):
            return self._date_text(number)
        text = _plain_text(number)
        is_padded = code.strip("0") == "" and text.isdigit()
        return text.zfill(len(code)) if is_padded else text

    def _date_text(self, number: str) -> str:
        days = float(number)
        epoch = _EPOCH_1904 if self.is_1904 else _EPOCH
        if not self.is_1904 and days < _FIRST_DAY_AFTER_FALSE_LEAP_DAY:
            epoch += timedelta(days=1)
        try:
            moment = epoch + timedelta(seconds=round(days * 86400))
        except OverflowError:
            return _plain_text(number)
        if 0 <= days < 1:
            return moment.time().isoformat()
        is_midnight = not (moment.hour or moment.minute or moment.second)
        return moment.date().isoformat() if is_midnight else moment.isoformat(" ")


def _is_date(code: str) -> bool:
    return bool(_DATE_SIGN.search(_LITERAL.sub("", code.partition(";")[0])))


def _plain_text(number: str) -> str:
    """Return a number without exponent; Excel shows 15 digits of a fraction, and stores 17."""
    if _INTEGER.fullmatch(number):
        return number
    value = Decimal(f"{float(number):.{_SIGNIFICANT_DIGITS}g}")
    return f"{value.normalize():f}" if value.is_finite() else number
