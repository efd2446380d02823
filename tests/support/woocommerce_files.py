"""Read files of WooCommerce in tests, with a fixed date."""

import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from eggypro_adapters.files.csv_table import read_csv
from eggypro_adapters.files.text_lines import TextLines
from eggypro_adapters.files.woocommerce.reading import read_table
from eggypro_core.domain.product_files import ImportEntry
from tests.support.product_files import Row, csv_text

TODAY = date(2026, 6, 15)
SIMPLE = {"Type": "simple", "Name": "Egg", "Regular price": "2.00"}


def read(text: str) -> list[ImportEntry]:
    """Return the entries of a file."""
    file = read_table(read_csv(TextLines(io.BytesIO(text.encode()))), TODAY)
    assert file
    return list(file.entries)


def product(row: Mapping[str, str], *variations: Row) -> ImportEntry:
    """Return the entry of a product with variations that have it as their parent."""
    children = [{"Type": "variation", "Parent": "id:7", **variation} for variation in variations]
    return read(csv_text({"ID": "7", **SIMPLE, **row}, *children))[0]


def values(row: Mapping[str, str], *variations: Row) -> dict[str, Any]:
    """Return the values of a product."""
    entry = product(row, *variations)
    assert entry.values is not None, (entry.errors, entry.warnings)
    return dict(entry.values)


def variants(row: Mapping[str, str], *variations: Row) -> list[dict[str, Any]]:
    """Return the variants of a product."""
    return list(values(row, *variations)["variants"])


def warnings(row: Mapping[str, str], *variations: Row) -> list[str]:
    """Return the warnings about a product."""
    return [warning.message for warning in product(row, *variations).warnings]


def file_warnings(*rows: Row) -> list[str]:
    """Return the warnings about the columns of a file."""
    entries = read(csv_text(*rows))
    return [
        warning.message
        for entry in entries
        for warning in entry.warnings
        if entry.values is None and warning.field == ""
    ]


def size_variation(size: str, **cells: str) -> Row:
    """Return the cells of a variation of a size."""
    row = {"Attribute 1 name": "Size", "Attribute 1 value(s)": size, "Regular price": "5"}
    return row | {name.replace("_", " "): cell for name, cell in cells.items()}
