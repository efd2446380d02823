"""GTINs: the numbers of barcodes (EAN, UPC, ITF-14), with their check digit."""

import re

from eggypro_core.validation import fields

MAX_GTIN_LENGTH = 14
_GTIN = re.compile("[0-9]{8}|[0-9]{12,14}")


def is_gtin(text: str) -> bool:
    """Return whether a text is 8, 12, 13 or 14 digits, the last of them the check digit."""
    return _GTIN.fullmatch(text) is not None and text[-1] == _check_digit(text[:-1])


def _check_digit(digits: str) -> str:
    """Return the check digit that completes the digits before it.

    From the right, every second digit counts three times.
    """
    total = 3 * sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2]))
    return str(-total % 10)


def _parse(value: object) -> str:
    text = _TEXT(value)
    if not _GTIN.fullmatch(text):
        raise fields.InvalidValueError(
            f"GTIN '{fields.escape_control(text)}' must have 8, 12, 13 or 14 digits, nothing else"
        )
    if not is_gtin(text):
        raise fields.InvalidValueError(
            f"GTIN '{text}' has a wrong check digit: check it for typing errors"
        )
    return text


_TEXT = fields.single_line("GTIN", 100)
GTIN = fields.with_schema(
    _parse,
    {"type": "string", "pattern": f"^({_GTIN.pattern})$", "maxLength": MAX_GTIN_LENGTH},
)
"""The validator of a GTIN."""
