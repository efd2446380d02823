"""The formats of tables: how their headers are recognised, and their readers."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from attrs import frozen

from eggypro_adapters.files.csv_table import CsvTable, column_key
from eggypro_adapters.files.google import columns as google
from eggypro_adapters.files.google import reading as google_reading
from eggypro_adapters.files.mapped_tables import mapping as table_mapping
from eggypro_adapters.files.mapped_tables import reading as mapped_tables
from eggypro_adapters.files.own_csv import reading as own_csv
from eggypro_adapters.files.shopify import columns as shopify
from eggypro_adapters.files.shopify import reading as shopify_reading
from eggypro_adapters.files.stock import shopify_inventory
from eggypro_adapters.files.woocommerce import detection as woocommerce
from eggypro_adapters.files.woocommerce import reading as woocommerce_reading
from eggypro_core.domain.product_files import ImportFile
from eggypro_core.errors import ParseError


@frozen
class TableFormat:
    """A format: the test of its header, and its reader, which returns None for other headers."""

    matches: Callable[[Sequence[str]], bool]
    read: Callable[[CsvTable], ImportFile | None]


def read_mapped(table: CsvTable, mapping: Mapping[str, str]) -> ImportFile:
    """Read a table whose columns are mapped. Raises ParseError if it lacks one of them."""
    table.merge_repeated_columns()
    columns = table_mapping.map_columns(table.header, mapping, decimal_comma=table.decimal_comma)
    return mapped_tables.read_table(table, columns)


def _read_shopify(table: CsvTable) -> ImportFile | None:
    columns = shopify.parse_header(table.header)
    return None if columns is None else shopify_reading.read_table(table, columns)


def _read_own_csv(table: CsvTable) -> ImportFile | None:
    table.merge_repeated_columns(column_key)
    if mapping := table_mapping.usual_mapping(table.header):
        return read_mapped(table, mapping)
    columns = own_csv.parse_header(table.header)
    if columns is None:
        return None
    return ImportFile("eggypro-csv", own_csv.read(table, columns), columns.names)


def _matches_own_csv(header: Sequence[str]) -> bool:
    return own_csv.matches_header(header) or table_mapping.has_usual_columns(header)


def _refuse_inventory(_: CsvTable) -> None:
    raise ParseError(shopify_inventory.WRONG_COMMAND)


DETECTED_FORMATS: Mapping[str, TableFormat] = MappingProxyType(
    {
        "shopify-inventory": TableFormat(shopify_inventory.matches_header, _refuse_inventory),
        "shopify": TableFormat(shopify.matches_header, _read_shopify),
        "woocommerce": TableFormat(woocommerce.matches_header, woocommerce_reading.read_table),
        "google": TableFormat(google.matches_header, google_reading.read_table),
        "eggypro-csv": TableFormat(_matches_own_csv, _read_own_csv),
    }
)
"""The formats in the order in which they are tried."""
FORMATS: Mapping[str, TableFormat] = MappingProxyType(
    {
        **DETECTED_FORMATS,
        "shopify-inventory": TableFormat(
            shopify_inventory.matches_header, shopify_inventory.read_products
        ),
    }
)
"""The formats that can be requested."""
