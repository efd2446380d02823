"""Detect the format of a product file and read it."""

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
    "accepted are EggyPro's CSV (name, slug, price, ...), "
    "Shopify's CSV (Handle or URL handle, Title, ...), WooCommerce's CSV "
    "(Type, Name, Regular price, ...) and JSON Lines (one JSON object per line)"
)


def read_entries(stream: BinaryIO, form: str) -> Iterator[ImportEntry]:
    """Yield the products of a file: see `read_products`."""
    if form not in FORMATS:
        raise ValidationError([FieldError("format", f"Format must be one of {', '.join(FORMATS)}")])
    lines = TextLines(stream)
    first_line = lines.peek()
    if not first_line:
        raise ParseError("The file is empty")
    if form == "jsonl" or (form == "auto" and first_line.lstrip().startswith("{")):
        return jsonl.read(lines)
    table = CsvTable(lines)
    entries = _read_table(table, form)
    if entries is None:
        raise ParseError(
            f"The first line is not a known header: {_describe_columns(table)}; {_ACCEPTED_FORMATS}"
        )
    return entries


def _read_table(table: CsvTable, form: str) -> Iterator[ImportEntry] | None:
    """Return the products of a table in its format, or None if its header does not match."""
    header = table.header
    if form == "shopify" or (form == "auto" and shopify.matches_header(header)):
        shopify_header = shopify.parse_header(header)
        return shopify_reading.read(table, shopify_header) if shopify_header else None
    if form == "woocommerce" or (form == "auto" and woocommerce.matches_header(header)):
        woocommerce_header = woocommerce.parse_header(header)
        return woocommerce_reading.read(table, woocommerce_header) if woocommerce_header else None
    if form == "eggypro-csv" or own_csv.matches_header(header):
        own_header = own_csv.parse_header(header)
        return own_csv.read(table, own_header) if own_header else None
    return None


def _describe_columns(table: CsvTable) -> str:
    names = [f"'{escape_control(name)}'" for name in table.header]
    return "found " + ", ".join(
        [*names[:_MAX_NAMED_COLUMNS], "..."] if len(names) > _MAX_NAMED_COLUMNS else names
    )
