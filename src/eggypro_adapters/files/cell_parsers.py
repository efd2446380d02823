"""Parsers that turn the text of a CSV cell into the value of a field."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from eggypro_adapters.files.prices import parse_price
from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.validation import strict_json
from eggypro_core.validation.fields import InvalidValueError, escape_control

WHITESPACE = " \t\r\n\u00a0\ufeff"
_INTEGER = re.compile(r"(-?[0-9]{1,18})(?:\.0+)?")
_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
FORMULA_SIGNS = frozenset("'=+@-")
"""First characters of formulas and of escaped formulas."""
_ESCAPED_FORMULA = re.compile("'+[=+@-]")
_FORMULA = re.compile("'*[=+@-]")


def unescape_formula(text: str) -> str:
    """Return the text without the apostrophe that stops spreadsheets from computing it."""
    return text[1:] if text[:1] == "'" and _ESCAPED_FORMULA.match(text) else text


def escape_formula(text: str) -> str:
    """Prefix an apostrophe to a text that is a formula, or looks like an escaped one."""
    return f"'{text}" if _FORMULA.match(text) else text


def parse_text(cell: str) -> str:
    """Return the text of a cell."""
    return cell


def parse_integer(cell: str) -> int | str:
    """Return the integer in a cell, or its text, which the validator of the field then rejects."""
    cell = cell.strip(WHITESPACE)
    match = _INTEGER.fullmatch(cell)
    return int(match[1]) if match else cell


def parse_boolean(cell: str) -> bool | str:
    """Return the boolean in a cell, or its text, which the validator of the field then rejects."""
    cell = cell.strip(WHITESPACE)
    return _BOOLEANS.get(cell.lower(), cell)


def parse_list(cell: str) -> object:
    """Return the items of a cell: a JSON list, or texts separated by `|`."""
    if cell.strip(WHITESPACE).startswith("["):
        return strict_json.parse(cell.strip(WHITESPACE))
    return [item.strip(WHITESPACE) for item in cell.split("|") if item.strip(WHITESPACE)]


def parse_map(cell: str) -> object:
    """Return the map in a cell: a JSON object, or `name=value` pairs separated by `|`."""
    if cell.strip(WHITESPACE).startswith("{"):
        return strict_json.parse(cell.strip(WHITESPACE))
    values: dict[str, str] = {}
    for item in cell.split("|"):
        name, sign, value = (part.strip(WHITESPACE) for part in item.partition("="))
        if (name or value) and not sign:
            raise InvalidValueError(
                f"'{escape_control(name)}' is not an attribute: write name=value, separated by |, "
                "or a JSON object"
            )
        if name in values:
            raise InvalidValueError(
                f"Attribute '{escape_control(name)}' appears twice: attribute names must be unique"
            )
        if sign:
            values[name] = value
    return values


def map_list_parser(name: str) -> Callable[[str], object]:
    """Return the parser of a cell with a JSON list of objects; a blank cell is an empty list."""

    def parse(cell: str) -> object:
        cell = cell.strip(WHITESPACE)
        if cell and not cell.startswith("["):
            raise InvalidValueError(f"Write {name} as a JSON list of objects")
        return strict_json.parse(cell) if cell else []

    return parse


def truncate(text: str, max_length: int) -> str:
    """Return a text cut to at most `max_length` characters, at the end of a word if possible."""
    if len(text) <= max_length:
        return text
    words = re.match(r"(?s).*\s", text[: max_length + 1])
    return (words[0].rstrip() if words else "") or text[:max_length]


PLAIN_FIELDS = [field for field in PRODUCT_FIELDS if field.type is not FieldType.IMAGES]
"""The fields that come first in our formats; images follow them."""
_PARSERS: Mapping[FieldType, Callable[[str], object]] = MappingProxyType(
    {
        FieldType.TEXT: parse_text,
        FieldType.MONEY: parse_price,
        FieldType.INTEGER: parse_integer,
        FieldType.BOOLEAN: parse_boolean,
        FieldType.TEXT_LIST: parse_list,
        FieldType.TEXT_MAP: parse_map,
    }
)


def _parser(field: FieldDefinition) -> Callable[[str], object]:
    parse = _PARSERS[field.type]

    def parse_nullable(cell: str) -> object:
        return parse(cell) if cell.strip() else None

    return parse_nullable if field.nullable else parse


FIELD_PARSERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        **{field.name: _parser(field) for field in PLAIN_FIELDS},
        "images": parse_list,
        "categories": parse_list,
        "variants": map_list_parser("variants"),
        "category_details": map_list_parser("category details"),
    }
)
"""The fields that a file can set, with the parser of their cells."""
OMITTED_IF_BLANK = frozenset(
    field.name
    for field in PLAIN_FIELDS
    if field.keep_if_omitted and not field.nullable and field.type is not FieldType.TEXT_LIST
)
"""Fields without an empty value: a blank cell leaves them unchanged."""
