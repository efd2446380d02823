"""Files read: which form one has, and its products as an import takes them."""

from collections.abc import Iterator
from typing import BinaryIO

from eggypro_adapters.files import FORMATS, jsonl, own_csv
from eggypro_adapters.files.csv_table import CsvTable
from eggypro_adapters.files.shopify import columns as shopify
from eggypro_adapters.files.shopify import reading as shopify_reading
from eggypro_adapters.files.text_lines import TextLines
from eggypro_adapters.files.woocommerce import columns as woocommerce
from eggypro_adapters.files.woocommerce import reading as woocommerce_reading
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation.fields import escape_control

_MAX_NAMED_COLUMNS = 8
_ACCEPTED_FORMATS = (
    "accepted are a CSV file whose first line names our fields (name, slug, price, ...), "
    "a CSV file of Shopify's (Handle or URL handle, Title, ...), one of WooCommerce's "
    "(Type, Name, Regular price, ...) and one JSON object a line"
)


def read_entries(stream: BinaryIO, form: str) -> Iterator[ImportEntry]:
    """Return the products of a file, as `read_products` says."""
    if form not in FORMATS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(FORMATS)}")])
    lines = TextLines(stream)
    first = lines.peek()
    if not first:
        raise ParseError("The file is empty")
    if form == "jsonl" or (form == "auto" and first.lstrip().startswith("{")):
        return jsonl.read(lines)
    table = CsvTable(lines)
    found = _read_table(table, form)
    if found is None:
        raise ParseError(
            f"The first line is not understood: {_describe_columns(table)}; {_ACCEPTED_FORMATS}"
        )
    return found


def _read_table(table: CsvTable, form: str) -> Iterator[ImportEntry] | None:
    """Return what a table holds by the form asked for, or by the one that knows the header."""
    header = table.header
    if form == "shopify" or (form == "auto" and shopify.matches_header(header)):
        of_shopify = shopify.parse_header(header)
        return shopify_reading.read(table, of_shopify) if of_shopify else None
    if form == "woocommerce" or (form == "auto" and woocommerce.matches_header(header)):
        of_woo = woocommerce.parse_header(header)
        return woocommerce_reading.read(table, of_woo) if of_woo else None
    if form == "eggypro-csv" or own_csv.matches_header(header):
        own = own_csv.parse_header(header)
        return own_csv.read(table, own) if own else None
    return None


def _describe_columns(table: CsvTable) -> str:
    names = [f"'{escape_control(name)}'" for name in table.header]
    return "found " + ", ".join(
        [*names[:_MAX_NAMED_COLUMNS], "..."] if len(names) > _MAX_NAMED_COLUMNS else names
    )
