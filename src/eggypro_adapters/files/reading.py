"""Files read: which form one has, and its products as an import takes them."""

from collections.abc import Iterator
from typing import BinaryIO

from eggypro_adapters.files import FORMATS, jsonl, own_csv
from eggypro_adapters.files.csv_table import Table
from eggypro_adapters.files.shopify import columns as shopify
from eggypro_adapters.files.shopify import reading as shopify_reading
from eggypro_adapters.files.text_lines import Lines
from eggypro_adapters.files.woocommerce import columns as woocommerce
from eggypro_adapters.files.woocommerce import reading as woocommerce_reading
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import Fault, InvalidError, MalformedError
from eggypro_core.validation.fields import printable

_NAMED = 8
_ACCEPTED = (
    "accepted are a CSV file whose first line names our fields (name, slug, price, ...), "
    "a CSV file of Shopify's (Handle or URL handle, Title, ...), one of WooCommerce's "
    "(Type, Name, Regular price, ...) and one JSON object a line"
)


def entries(stream: BinaryIO, form: str) -> Iterator[ImportEntry]:
    """Return the products of a file, as `read_products` says."""
    if form not in FORMATS:
        raise InvalidError([Fault("format", f"Format must be one of {', '.join(FORMATS)}")])
    lines = Lines(stream)
    first = lines.peek()
    if not first:
        raise MalformedError("The file is empty")
    if form == "jsonl" or (form == "auto" and first.lstrip().startswith("{")):
        return jsonl.read(lines)
    table = Table(lines)
    found = _entries(table, form)
    if found is None:
        raise MalformedError(f"The first line is not understood: {_found(table)}; {_ACCEPTED}")
    return found


def _entries(table: Table, form: str) -> Iterator[ImportEntry] | None:
    """Return what a table holds by the form asked for, or by the one that knows the header."""
    header = table.header
    if form == "shopify" or (form == "auto" and shopify.recognises(header)):
        of_shopify = shopify.columns(header)
        return shopify_reading.read(table, of_shopify) if of_shopify else None
    if form == "woocommerce" or (form == "auto" and woocommerce.recognises(header)):
        of_woo = woocommerce.columns(header)
        return woocommerce_reading.read(table, of_woo) if of_woo else None
    if form == "eggypro-csv" or own_csv.recognises(header):
        own = own_csv.fields(header)
        return own_csv.read(table, own) if own else None
    return None


def _found(table: Table) -> str:
    names = [f"'{printable(name)}'" for name in table.header]
    return "found " + ", ".join([*names[:_NAMED], "..."] if len(names) > _NAMED else names)
