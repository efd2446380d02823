"""Read JSON objects whose members have the names of a table's columns."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from eggypro_adapters.files import table_formats
from eggypro_adapters.files.csv_records import CsvRow
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_core.domain.product_files import ImportFile
from eggypro_core.validation.fields import InvalidValueError

MAX_HEADER_ROWS = 100
"""Number of objects whose members are columns; other members of later ones are not imported."""
_FORMATS = ("shopify", "woocommerce", "google")
_TEXT_MEMBERS = ("src", "url", "name", "value")
"""Members of an object that can stand for it in a cell."""
_Parser = Callable[[str], Mapping[str, object]]


def read(
    names: Sequence[str], texts: Iterable[tuple[int, str]], parse: _Parser
) -> ImportFile | None:
    """Read the objects in `texts` as the rows of a table with the columns `names`.

    `parse` raises InvalidValueError. Returns None if no shop system has such a table.
    """
    formats = (table_formats.DETECTED_FORMATS[name] for name in _FORMATS)
    table_format = next((item for item in formats if item.matches(names)), None)
    if table_format is None:
        return None
    return table_format.read(CsvTable(_records(names, texts, parse)))


def cell(value: object, separator: str = "|") -> str:
    """Return the text of a value as a table would have it."""
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


def _records(
    names: Sequence[str], texts: Iterable[tuple[int, str]], parse: _Parser
) -> Iterator[CsvRow]:
    yield CsvRow(1, [*names])
    for line, text in texts:
        try:
            values = parse(text)
        except InvalidValueError as error:
            yield CsvRow(line, [], str(error))
            continue
        others = [value for name, value in values.items() if name not in names]
        known = [values.get(name) for name in names]
        yield CsvRow(line, [cell(value, ", ") for value in (*known, *others)])
