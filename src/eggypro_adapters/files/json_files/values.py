"""Convert the values of JSON objects that other programs wrote."""

from collections.abc import Callable, Mapping
from typing import Any

from eggypro_adapters.files.json_files.table import cell
from eggypro_adapters.files.mapped_tables import cells as table_cells
from eggypro_adapters.files.plain_descriptions import plain_description
from eggypro_core.domain.slug import is_slug

_IMAGE_ADDRESSES = ("src", "url", "link", "href", "image")
"""Members of an image that can have its address."""
_ATTRIBUTE_VALUES = ("value", "values", "option", "options")
"""Members of an attribute that can have its value."""


def convert(values: Mapping[str, object], *, is_foreign: bool) -> dict[str, object]:
    """Return the values of a product in the form of our own exports.

    Text in place of a list is read like the cell of a table. Categories are paths of names if they
    are not slugs, or if the object is foreign, which means that it has members that are not ours.
    Raises InvalidValueError for a text that is not a single price.
    """
    converted = dict(values)
    for name in _TEXT_PARSERS.keys() & values.keys():
        if isinstance(text := values[name], str):
            converted[name] = _TEXT_PARSERS[name](text)
    if isinstance(categories := converted.get("categories"), list):
        converted["categories"] = [
            _category(item, is_foreign=is_foreign) for item in categories if item != ""
        ]
    if is_foreign and "attributes" in values:
        converted["attributes"] = _attributes(values["attributes"])
    if isinstance(description := values.get("description"), str):
        converted["description"] = plain_description(description)
        if is_foreign and table_cells.is_html(description):
            converted.setdefault("details", description)
    return converted


def image(item: Any) -> Any:
    """Return an image with the members that our exports use."""
    if not isinstance(item, Mapping) or "ref" in item:
        return item
    name = next((name for name in _IMAGE_ADDRESSES if item.get(name)), None)
    return {"ref": item[name], "alt": item.get("alt") or None} if name else item


def _attributes(value: object) -> object:
    """Return attributes as a map of texts; they can be a list of objects with names."""
    if isinstance(value, list) and all(isinstance(item, Mapping) for item in value):
        pairs = [(item.get("name"), _attribute_value(item)) for item in value]
        value = {str(name): text for name, text in pairs if name}
    if not isinstance(value, Mapping):
        return value
    return {name: cell(item, ", ") for name, item in value.items()}


def _attribute_value(item: Mapping[str, object]) -> object:
    return next((item[name] for name in _ATTRIBUTE_VALUES if item.get(name)), None)


def _category(item: object, *, is_foreign: bool) -> object:
    if isinstance(item, Mapping) and is_foreign and isinstance(item.get("name"), str):
        return _path(item["name"])
    if not isinstance(item, str) or (is_slug(item) and not is_foreign):
        return item
    return _path(item)


def _path(text: str) -> list[str]:
    """Return the names of a path such as `Food > Bars`."""
    return [name for part in text.split(">") if (name := part.strip())]


def _parser(field: str) -> Callable[[str], object]:
    parse = table_cells.parser_of(field, field, decimal_comma=False)

    def parse_text(text: str) -> object:
        return parse(text) if text.strip() else text

    return parse_text


_TEXT_PARSERS: Mapping[str, Callable[[str], object]] = {
    **{name: _parser(name) for name in ("price", "compare_at_price", "track_stock", "is_active")},
    **{name: _parser(name) for name in ("is_listed", "stock_quantity", "weight_grams")},
    **{
        name: table_cells.parser_of(name, name, decimal_comma=False)
        for name in ("tags", "ingredients", "images", "categories")
    },
}
"""The parsers of texts in fields of other types."""
