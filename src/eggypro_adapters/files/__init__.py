"""Read and write product files. The modules of the formats are imported on first use."""

from collections.abc import Mapping
from typing import BinaryIO

from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.product_files import CatalogSnapshot, ExportReport, ImportFile, StockFile

__all__ = ["FORMATS", "NhHtmlCleaner", "read_products", "read_stock", "write_products"]

FORMATS = (
    *("auto", "eggypro-csv", "jsonl"),
    *("shopify", "shopify-inventory", "woocommerce", "google"),
)


def read_products(
    stream: BinaryIO, *, file_format: str = "auto", mapping: Mapping[str, str] | None = None
) -> ImportFile:
    """Read the products of a file lazily, in the order of the file.

    The file is text, a workbook (.xlsx), or one of them in a .gz or .zip file. `mapping` has the
    name of the column of each field, for a table of no known format; a field may also be
    `attribute.NAME`, or `option.NAME` for tables with a row per variant.

    The stream need not be seekable and is not closed. Errors of a single product are part of its
    entry. Raises ParseError immediately if the file cannot be read at all, and ValidationError for
    an unknown format or field. Iterating raises ParseError for a damaged packed file, and
    StorageFullError if the temporary folder has no room for a file that must be sorted or unpacked.
    """
    from eggypro_adapters.files.reading import read_file

    return read_file(stream, file_format, mapping or {})


def write_products(
    export: CatalogSnapshot,
    stream: BinaryIO,
    *,
    file_format: str,
    currency: str = "",
    storefront_url: str | None = None,
) -> ExportReport:
    """Write the products of an export and report what the format cannot hold.

    A feed for Google has prices in `currency` and links to the products at `storefront_url`. Raises
    ValidationError for an unknown format, and any error of the stream.
    """
    from eggypro_adapters.files.writing import Storefront, write_export

    return write_export(export, stream, file_format, Storefront(currency, storefront_url))


def read_stock(stream: BinaryIO) -> StockFile:
    """Read the stock quantities of a file lazily: Shopify's inventory file, or any table.

    Raises ParseError immediately if the file has no columns of SKU and quantity; iterating raises
    StorageFullError if the temporary folder has no room.
    """
    from eggypro_adapters.files.stock import reading

    return reading.read_stock(stream)
