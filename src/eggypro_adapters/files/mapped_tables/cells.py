"""Parse the cells of tables whose columns are mapped to fields."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import partial

from eggypro_adapters.files.cell_parsers import (
    WHITESPACE,
    parse_boolean,
    parse_list,
    unescape_formula,
)
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.prices import parse_price
from eggypro_adapters.files.weights import GRAMS
from eggypro_core.validation.fields import InvalidValueError

CellParser = Callable[[str], object]
_TEXT_FORMULA = re.compile('="([^"]*)"')
_APOSTROPHE = re.compile(r"'+(?=[0-9])")
_HTML = re.compile(r"</?[a-zA-Z][^<>]*>|&(?:[a-zA-Z]+|#\d+);|<!--")
_URL_SEPARATOR = re.compile(r"\s*[|\n;]\s*|\s*,?\s+(?=https?:)|,(?=https?://)")
_LIST_SEPARATOR = re.compile(r"[|;\n]")
_STATES = {
    **dict.fromkeys(("active", "published", "enabled", "visible", "on", "y", "ja", "oui", "si",
                     "sí", "sì", "sim", "wahr", "aktiv"), True),
    **dict.fromkeys(("inactive", "draft", "archived", "disabled", "hidden", "off", "n", "nein",
                     "non", "nee", "não", "falsch", "inaktiv", "unpublished"), False),
}  # fmt: skip
_IN_STOCK = frozenset({"in stock", "instock", "available", "yes", "true"})
_OUT_OF_STOCK = frozenset({"out of stock", "outofstock", "sold out", "soldout", "no", "false"})
_WEIGHT = re.compile(r"([^a-zA-Zµ]+?)\s*([a-zA-Z]*)\.?")
_GRAMS = {**GRAMS, "": Decimal(1)}
_UNIT = re.compile(r"[(\[]\s*([a-zA-Z]+)\s*[)\]]|[ _]([a-zA-Z]+)$")


def unescape(cell: str) -> str:
    """Return a cell without the apostrophe or formula that makes it text for a spreadsheet."""
    cell = cell.strip(WHITESPACE)
    formula = _TEXT_FORMULA.fullmatch(cell)
    cell = formula[1] if formula else unescape_formula(cell)
    return _APOSTROPHE.sub("", cell, count=1) if _APOSTROPHE.match(cell) else cell


def parser_of(field: str, column: str, *, decimal_comma: bool) -> CellParser:
    """Return the parser of the cells of a field; the name of the column can have a unit."""
    if field in {"price", "compare_at_price"}:
        return partial(parse_price, decimal_comma=decimal_comma)
    if field == "stock_quantity":
        return partial(_parse_quantity, decimal_comma=decimal_comma)
    if field == "weight_grams":
        unit = next((match[1] or match[2] for match in _UNIT.finditer(column)), "").lower()
        return partial(
            _parse_weight, unit=unit if unit in _GRAMS else "", decimal_comma=decimal_comma
        )
    return _PARSERS[field]


def is_out_of_stock(cell: str) -> bool:
    """Return whether a cell says that a product is out of stock, in words."""
    return cell.strip(WHITESPACE).lower().replace("_", " ") in _OUT_OF_STOCK


def is_html(text: str) -> bool:
    """Return whether a text has tags or entities."""
    return bool(_HTML.search(text))


def _parse_optional(cell: str) -> str | None:
    return cell or None


def _parse_description(cell: str) -> str:
    return plain_text(cell) if is_html(cell) else cell


def _parse_state(cell: str) -> bool | str:
    state = _STATES.get(cell.lower())
    return parse_boolean(cell) if state is None else state


def _parse_quantity(cell: str, *, decimal_comma: bool) -> object:
    """Return a quantity; None for a word that only says that the product is in stock."""
    word = cell.lower().replace("_", " ")
    if word in _IN_STOCK:
        return None
    if word in _OUT_OF_STOCK:
        return 0
    try:
        text = parse_price(cell, decimal_comma=decimal_comma) or ""
    except InvalidValueError:
        return cell
    whole, _, fraction = text.partition(".")
    is_integer = re.fullmatch("-?[0-9]{1,18}", whole) and not fraction.strip("0")
    return int(whole) if is_integer else text


def _parse_weight(cell: str, *, unit: str, decimal_comma: bool) -> str | None:
    if not cell:
        return None
    match = _WEIGHT.fullmatch(cell)
    factor = _GRAMS.get((match[2] or unit).lower()) if match else None
    try:
        number = parse_price(match[1], decimal_comma=decimal_comma) if match else None
        grams = Decimal(number or "") * (factor or Decimal("NaN"))
    except (InvalidValueError, InvalidOperation):
        return cell  # the normaliser warns about it
    return cell if grams.is_nan() else f"{grams.normalize():f}"


def _parse_list(cell: str) -> object:
    """Return the items of a list: JSON, or separated by `|`, `;` or line breaks, else commas."""
    if cell.startswith("["):
        return parse_list(cell)
    parts = _LIST_SEPARATOR.split(cell) if _LIST_SEPARATOR.search(cell) else cell.split(",")
    return [item for part in parts if (item := part.strip(WHITESPACE))]


def _parse_images(cell: str) -> list[dict[str, object]]:
    """Return images from addresses, or from a JSON list of addresses or objects with `ref`."""
    items = parse_list(cell) if cell.startswith("[") else _URL_SEPARATOR.split(cell)
    images = items if isinstance(items, list) else []
    return [_image(item) for item in images if item]


def _image(item: object) -> dict[str, object]:
    if isinstance(item, dict) and "ref" in item:
        return {**item, "ref": str(item["ref"])}
    return {"ref": str(item).strip(WHITESPACE), "alt": None}


def _parse_categories(cell: str) -> list[list[str]]:
    """Return the paths of names of the categories, such as `Food > Bars | Vegan`."""
    paths = (
        [name for part in path.split(">") if (name := part.strip(WHITESPACE))]
        for path in _LIST_SEPARATOR.split(cell)
    )
    return [path for path in paths if path]


_PARSERS: Mapping[str, CellParser] = {
    **dict.fromkeys(("sku", "gtin", "brand", "seo_title", "seo_description"), _parse_optional),
    **dict.fromkeys(("track_stock", "is_active", "is_listed"), _parse_state),
    **dict.fromkeys(("tags", "ingredients"), _parse_list),
    **dict.fromkeys(("name", "slug", "details", "source_id"), str),
    "description": _parse_description,
    "images": _parse_images,
    "categories": _parse_categories,
}
FIELDS = (*_PARSERS, "price", "compare_at_price", "stock_quantity", "weight_grams")
"""The fields that a column can be mapped to."""
