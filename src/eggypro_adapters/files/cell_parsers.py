"""What the cells of a table say: each kind of field read from its text."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError, escape_control

WHITESPACE = " \t\r\n\u00a0\ufeff"
_DIGIT = re.compile(r"\d")
_PLAIN_PRICE = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_INTEGER = re.compile(r"(-?[0-9]{1,18})(?:\.0+)?")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
FORMULA_SIGNS = frozenset("'=+@-")
"""What a cell begins with that a spreadsheet would compute, or that is escaped."""
_ESCAPED_FORMULA = re.compile("'+[=+@-]")
_FORMULA = re.compile("'*[=+@-]")


def unescape_formula(text: str) -> str:
    """Return the text without the apostrophe that keeps spreadsheets from computing it."""
    return text[1:] if text[:1] == "'" and _ESCAPED_FORMULA.match(text) else text


def escape_formula(text: str) -> str:
    """Return the text with that apostrophe, if it needs it or would seem to have it."""
    return f"'{text}" if _FORMULA.match(text) else text


def parse_text(cell: str) -> str:
    """Return the text of a cell."""
    return cell


def parse_optional_text(cell: str) -> str | None:
    """Return the text of a cell, None for a blank one."""
    return cell if cell.strip() else None


def parse_price(cell: str) -> str | None:
    """Return the price as it is written, None for a blank cell.

    Raises RefusedError for signs that mean different numbers in different countries.
    """
    cell = cell.strip(WHITESPACE)
    if not _PLAIN_PRICE.fullmatch(cell) and _DIGIT.search(cell):
        raise InvalidValueError("Write the price with a point and no other signs, like 1234.50")
    return cell or None


def parse_integer(cell: str) -> int | str:
    """Return the whole number of a cell; the text where it is none, for the rule to refuse."""
    cell = cell.strip(WHITESPACE)
    found = _INTEGER.fullmatch(cell)
    return int(found[1]) if found else cell


def parse_boolean(cell: str) -> bool | str:
    """Return what a cell says; its text where it says neither, for the rule to refuse."""
    cell = cell.strip(WHITESPACE)
    return _BOOLEANS.get(cell.lower(), cell)


def parse_list(cell: str) -> object:
    """Return the items of a cell: a JSON list, or texts between `|`."""
    if cell.strip(WHITESPACE).startswith("["):
        return strict_json.parse(cell.strip(WHITESPACE))
    return [item.strip(WHITESPACE) for item in cell.split("|") if item.strip(WHITESPACE)]


def parse_map(cell: str) -> object:
    """Return the map of a cell: a JSON object, or `name=value` between `|`."""
    if cell.strip(WHITESPACE).startswith("{"):
        return strict_json.parse(cell.strip(WHITESPACE))
    found: dict[str, str] = {}
    for item in cell.split("|"):
        name, sign, value = (part.strip(WHITESPACE) for part in item.partition("="))
        if (name or value) and not sign:
            raise InvalidValueError(
                "Write attributes as name=value, with | between them, or as JSON"
            )
        if name in found:
            raise InvalidValueError(f"The attribute '{escape_control(name)}' stands twice")
        if sign:
            found[name] = value
    return found


def map_list_parser(name: str) -> Callable[[str], object]:
    """Return what reads the maps of a cell: a JSON list of them. A blank one has none."""

    def read(cell: str) -> object:
        cell = cell.strip(WHITESPACE)
        if cell and not cell.startswith("["):
            raise InvalidValueError(f"Write {name} as a JSON list of objects")
        return strict_json.parse(cell) if cell else []

    return read


def truncate(long: str, maximum: int) -> str:
    """Return the beginning of a text, at most that long, up to the end of a word if it has any."""
    if len(long) <= maximum:
        return long
    words = re.match(r"(?s).*\s", long[: maximum + 1])
    return (words[0].rstrip() if words else "") or long[:maximum]


PLAIN_FIELDS = [field for field in PRODUCT_FIELDS if field.type is not FieldType.IMAGES]
"""The fields that stand first in our formats; images come behind them."""
_READERS: Mapping[FieldType, Callable[[str], object]] = MappingProxyType(
    {
        FieldType.TEXT: parse_text,
        FieldType.MONEY: parse_price,
        FieldType.INTEGER: parse_integer,
        FieldType.BOOLEAN: parse_boolean,
        FieldType.TEXT_LIST: parse_list,
        FieldType.TEXT_MAP: parse_map,
    }
)


def _reader(field: FieldDefinition) -> Callable[[str], object]:
    return (
        parse_optional_text
        if field.nullable and field.type is FieldType.TEXT
        else _READERS[field.type]
    )


FIELD_PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **{field.name: _reader(field) for field in PLAIN_FIELDS},
        "images": parse_list,
        "categories": parse_list,
        "variants": map_list_parser("variants"),
        "category_details": map_list_parser("category details"),
    }
)
"""The fields that a file can write, and how a cell of each is read."""
OMITTED_IF_BLANK = frozenset(field.name for field in PLAIN_FIELDS if field.keep_if_omitted)
"""The fields of which a blank cell says nothing."""
