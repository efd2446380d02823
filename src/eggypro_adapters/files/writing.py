"""Products into files: the forms that can be written, a few products at a time."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import BinaryIO

import orjson
from attrs import define

from eggypro_adapters.files.cells import FIELDS, SIGNS, escaped
from eggypro_adapters.files.records import record
from eggypro_adapters.files.shopify import writing as shopify
from eggypro_adapters.files.woocommerce import writing as woocommerce
from eggypro_core.errors import Fault, InvalidError
from eggypro_core.products import Product

_AT_ONCE = 100


def write_products(products: Iterable[Product], stream: BinaryIO, *, form: str) -> int:
    """Write products, which have all their variants, and return how many.

    Raises InvalidError for a form that is not known, and what the stream raises.
    """
    if form not in WRITERS:
        raise InvalidError([Fault("format", f"Format must be one of {', '.join(WRITERS)}")])
    counted = _Counted(products)
    lines = WRITERS[form](counted)
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


def _jsonl(products: Iterable[Product]) -> Iterator[bytes]:
    for product in products:
        yield orjson.dumps(record(product), option=orjson.OPT_APPEND_NEWLINE)


def _own_csv(products: Iterable[Product]) -> Iterator[bytes]:
    names = list(FIELDS)
    yield from _table(
        names, ([_cell(found[name]) for name in names] for found in map(record, products))
    )


def _shopify(products: Iterable[Product]) -> Iterator[bytes]:
    yield from _table(shopify.COLUMNS, (row for one in products for row in shopify.rows(one)))


def _woocommerce(products: Iterable[Product]) -> Iterator[bytes]:
    rows = (row for one in products for row in woocommerce.rows(one))
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


WRITERS: Mapping[str, Callable[[Iterable[Product]], Iterator[bytes]]] = MappingProxyType(
    {
        "eggypro-csv": _own_csv,
        "jsonl": _jsonl,
        "shopify": _shopify,
        "woocommerce": _woocommerce,
    }
)
"""How each form is written: line by line."""
