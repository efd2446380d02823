"""Products into files: the forms that can be written, a few products at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, starmap
from types import MappingProxyType
from typing import BinaryIO

import orjson
from attrs import define

from eggypro_adapters.files.category_details import with_details
from eggypro_adapters.files.cell_parsers import FIELDS, SIGNS, escaped
from eggypro_adapters.files.product_record import record
from eggypro_adapters.files.shopify import writing as shopify
from eggypro_adapters.files.woocommerce import writing as woocommerce
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import Export
from eggypro_core.errors import Fault, InvalidError

_AT_ONCE = 100


def write(export: Export, stream: BinaryIO, form: str) -> int:
    """Write the products of an export, as `write_products` says."""
    if form not in WRITERS:
        raise InvalidError([Fault("format", f"Format must be one of {', '.join(WRITERS)}")])
    counted = _Counted(export.products)
    lines = WRITERS[form](Export(export.categories, iter(counted)))
    while some := b"".join(islice(lines, _AT_ONCE)):
        stream.write(some)
    return counted.number


@define
class _Counted:
    """Gives products on, and counts them."""

    products: Iterable[Product]
    number: int = 0

    def __iter__(self) -> Iterator[Product]:
        for product in self.products:
            self.number += 1
            yield product


class _Echo:
    """Gives back what is written to it."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _jsonl(export: Export) -> Iterator[bytes]:
    for found in starmap(record, with_details(export)):
        yield orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE)


def _own_csv(export: Export) -> Iterator[bytes]:
    names = list(FIELDS)
    found = starmap(record, with_details(export))
    yield from _table(names, ([_cell(one[name]) for name in names] for one in found))


def _shopify(export: Export) -> Iterator[bytes]:
    yield from _table(
        shopify.COLUMNS, (row for one in export.products for row in shopify.rows(one))
    )


def _woocommerce(export: Export) -> Iterator[bytes]:
    paths = woocommerce.paths(export.categories)
    rows = (row for one in export.products for row in woocommerce.rows(one, paths))
    yield from _table(woocommerce.COLUMNS, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """Return the lines of a CSV file, with nothing in it that a spreadsheet would compute."""
    line = csv.writer(_Echo(), lineterminator="\n").writerow
    yield str(line(header)).encode()
    for row in rows:
        cells = [escaped(cell) if cell[:1] in SIGNS else cell for cell in row]
        yield str(line(cells)).encode()


def _cell(value: object) -> str:
    """Return what our own CSV has of a field: lists and maps as JSON, unless they are empty."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode() if value else ""
    return "" if value is None else str(value)


WRITERS: Mapping[str, Callable[[Export], Iterator[bytes]]] = MappingProxyType(
    {
        "eggypro-csv": _own_csv,
        "jsonl": _jsonl,
        "shopify": _shopify,
        "woocommerce": _woocommerce,
    }
)
"""How each form is written: line by line."""
