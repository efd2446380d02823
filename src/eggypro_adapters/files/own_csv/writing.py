"""Convert products to rows of our own CSV: a row for the product, and one for each variant."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, parse_list, parse_map
from eggypro_adapters.files.own_csv.columns import VARIANT_COLUMNS
from eggypro_core.validation.fields import InvalidValueError

COLUMNS = (
    *(name for name in FIELD_PARSERS if name not in {"variants", "category_details"}),
    *(name for name in VARIANT_COLUMNS if name not in FIELD_PARSERS),
    "category_details",
)


def rows_of_record(record: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the rows of a product's record (see `to_record`)."""
    yield _row(record)
    for variant in record["variants"]:
        yield _row({**variant, "slug": record["slug"]})


def _row(record: Mapping[str, Any]) -> list[str]:
    cells = dict.fromkeys(COLUMNS, "")
    for name, value in record.items():
        if value is not None and name in cells:
            cells[name] = value if isinstance(value, str) else _cell(value)
    return [*cells.values()]


def _cell(value: Any) -> str:
    """Return the cell of a value, in the form that is easiest to edit in a spreadsheet."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return _list_cell([_plain_image(item) for item in value]) if value else ""
    if isinstance(value, dict):
        pairs = [f"{name}={text}" for name, text in value.items()]
        return _readable_cell(pairs, value, parse_map) if value else ""
    return str(value)


def _list_cell(items: Sequence[object]) -> str:
    texts = [item for item in items if isinstance(item, str)]
    return _readable_cell(texts, items, parse_list)


def _plain_image(item: object) -> object:
    """Return the reference alone of an image without alt text."""
    return item["ref"] if isinstance(item, dict) and item.get("alt", "") is None else item


def _readable_cell(texts: Sequence[str], value: object, parse: Callable[[str], object]) -> str:
    """Return the texts separated by `|` if that is read as `value`, else the value as JSON."""
    cell = " | ".join(texts)
    try:
        is_readable = _with_order(parse(cell)) == _with_order(value)
    except InvalidValueError:
        is_readable = False
    return cell if is_readable else orjson.dumps(value).decode()


def _with_order(value: object) -> object:
    return list(value.items()) if isinstance(value, dict) else value
