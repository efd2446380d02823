"""Read JSON objects whose members have the names of a table's columns."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from eggypro_adapters.files import table_formats
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_core.domain.product_files import ImportFile

MAX_HEADER_ROWS = 100
"""Number of objects whose members are columns; other members of later ones are not imported."""
_FORMATS = ("shopify", "woocommerce", "google")
_TEXT_MEMBERS = ("src", "url", "name", "value")
"""Members that can represent an object in a cell."""
ParsedObject = Mapping[str, object] | str
"""The members of an object, or the text of its error."""


def read(names: Sequence[str], objects: Iterable[tuple[int, ParsedObject]]) -> ImportFile | None:
    """Read objects, each with its line, as the rows of a table with the columns `names`.

    Returns None if no shop system has such a table.
    """
    formats = (table_formats.DETECTED_FORMATS[name] for name in _FORMATS)
    table_format = next((item for item in formats if item.matches(names)), None)
    if table_format is None:
        return None
    return table_format.read(CsvTable(_rows(names, objects)))


def cell(value: object, separator: str = "|") -> str:
    """Return the text of a value in the cell of a table."""
    if value is None:
        return ""
    if isinstance(value, list):
        return separator.join(text for item in value if (text := cell(item, separator)))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        texts = (value[name] for name in _TEXT_MEMBERS if isinstance(value.get(name), str))
        return next(texts, None) or json.dumps(value, ensure_ascii=False, default=str)
    return f"{value:f}" if isinstance(value, Decimal) and value.is_finite() else str(value)


def _rows(names: Sequence[str], objects: Iterable[tuple[int, ParsedObject]]) -> Iterator[CsvRow]:
    yield CsvRow(1, [*names])
    for line, values in objects:
        if isinstance(values, str):
            yield CsvRow(line, [], values)
            continue
        others = [value for name, value in values.items() if name not in names]
        known = [values.get(name) for name in names]
        yield CsvRow(line, [cell(value, ", ") for value in (*known, *others)])
