"""Products into files: the forms that can be written, a few products at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap
from types import MappingProxyType
from typing import BinaryIO

import orjson
from attrs import define

from eggypro_adapters.files.category_details import with_details
from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, FORMULA_SIGNS, escape_formula
from eggypro_adapters.files.product_record import to_record
from eggypro_adapters.files.shopify import writing as shopify
from eggypro_adapters.files.woocommerce import writing as woocommerce
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.errors import FieldError, ValidationError

_LINES_PER_WRITE = 100


def write_export(export: CatalogSnapshot, stream: BinaryIO, form: str) -> int:
    """Write the products of an export, as `write_products` says."""
    if form not in WRITERS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(WRITERS)}")])
    counted = _CountedProducts(export.products)
    lines = WRITERS[form](CatalogSnapshot(export.categories, iter(counted)))
    while some := b"".join(islice(lines, _LINES_PER_WRITE)):
        stream.write(some)
    return counted.count


@define
class _CountedProducts:
    """Gives products on, and counts them."""

    products: Iterable[Product]
    count: int = 0

    def __iter__(self) -> Iterator[Product]:
        for product in self.products:
            self.count += 1
            yield product


class _Echo:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _jsonl(export: CatalogSnapshot) -> Iterator[bytes]:
    for found in starmap(to_record, with_details(export)):
        yield orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE)


def _own_csv(export: CatalogSnapshot) -> Iterator[bytes]:
    names = list(FIELD_PARSERS)
    found = starmap(to_record, with_details(export))
    yield from _table(names, ([_format_cell(one[name]) for name in names] for one in found))


def _shopify(export: CatalogSnapshot) -> Iterator[bytes]:
    yield from _table(
        shopify.COLUMNS, (row for one in export.products for row in shopify.rows_of_product(one))
    )


def _woocommerce(export: CatalogSnapshot) -> Iterator[bytes]:
    paths = woocommerce.category_paths(export.categories)
    rows = (row for one in export.products for row in woocommerce.rows_of_product(one, paths))
    yield from _table(woocommerce.COLUMNS, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Return the lines of a CSV file, with nothing in it that a spreadsheet would compute."""
    line = csv.writer(_Echo(), lineterminator="\n").writerow
    yield str(line(header)).encode()
    for row in rows:
        cells = [escape_formula(cell) if cell[:1] in FORMULA_SIGNS else cell for cell in row]
        yield str(line(cells)).encode()


def _format_cell(value: object) -> str:
    """Return what our own CSV has of a field: lists and maps as JSON, unless they are empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode() if value else ""
    return "" if value is None else str(value)


WRITERS: Mapping[str, Callable[[CatalogSnapshot], Iterator[bytes]]] = MappingProxyType(
    {
        "eggypro-csv": _own_csv,
        "jsonl": _jsonl,
        "shopify": _shopify,
        "woocommerce": _woocommerce,
    }
)
"""How each form is written: line by line."""
