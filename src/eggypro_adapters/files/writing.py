"""Write products to a stream in any of the export formats, a few lines at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap
from types import MappingProxyType
from typing import BinaryIO

import orjson
from attrs import define

from eggypro_adapters.files.category_details import with_category_drafts
from eggypro_adapters.files.cell_parsers import FIELD_PARSERS, FORMULA_SIGNS, escape_formula
from eggypro_adapters.files.product_record import to_record
from eggypro_adapters.files.shopify import writing as shopify
from eggypro_adapters.files.woocommerce import writing as woocommerce
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot
from eggypro_core.errors import FieldError, ValidationError

_LINES_PER_WRITE = 100


def write_export(export: CatalogSnapshot, stream: BinaryIO, form: str) -> int:
    """Write the products of an export: see `write_products`."""
    if form not in WRITERS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(WRITERS)}")])
    counted = _CountedProducts(export.products)
    lines = WRITERS[form](CatalogSnapshot(export.categories, iter(counted)))
    while chunk := b"".join(islice(lines, _LINES_PER_WRITE)):
        stream.write(chunk)
    return counted.count


@define
class _CountedProducts:
    """Yield products and count them."""

    products: Iterable[Product]
    count: int = 0

    def __iter__(self) -> Iterator[Product]:
        for product in self.products:
            self.count += 1
            yield product


class _Echo:
    """Return each text that is written, for `csv.writer`."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _jsonl(export: CatalogSnapshot) -> Iterator[bytes]:
    for record in starmap(to_record, with_category_drafts(export)):
        yield orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _own_csv(export: CatalogSnapshot) -> Iterator[bytes]:
    names = list(FIELD_PARSERS)
    records = starmap(to_record, with_category_drafts(export))
    yield from _table(names, ([_format_cell(record[name]) for name in names] for record in records))


def _shopify(export: CatalogSnapshot) -> Iterator[bytes]:
    rows = (row for product in export.products for row in shopify.rows_of_product(product))
    yield from _table(shopify.COLUMNS, rows)


def _woocommerce(export: CatalogSnapshot) -> Iterator[bytes]:
    paths = woocommerce.category_paths(export.categories)
    rows = (
        row for product in export.products for row in woocommerce.rows_of_product(product, paths)
    )
    yield from _table(woocommerce.COLUMNS, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Yield the lines of a CSV file, with formulas escaped."""
    format_row = csv.writer(_Echo(), lineterminator="\n").writerow
    yield str(format_row(header)).encode()
    for row in rows:
        cells = [escape_formula(cell) if cell[:1] in FORMULA_SIGNS else cell for cell in row]
        yield str(format_row(cells)).encode()


def _format_cell(value: object) -> str:
    """Return the cell of a value in our own CSV: lists and maps as JSON, blank if empty."""
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
"""The writers by format: each yields the lines of a file."""
