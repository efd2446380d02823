"""Read and write product files. The modules of the formats are imported on first use."""

from collections.abc import Iterator
from typing import BinaryIO

from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry

__all__ = ["FORMATS", "NhHtmlCleaner", "read_products", "write_products"]

FORMATS = ("auto", "eggypro-csv", "jsonl", "shopify", "woocommerce")


def read_products(stream: BinaryIO, *, file_format: str = "auto") -> Iterator[ImportEntry]:
    """Yield the products of a file lazily, in the order of the file.

    The stream need not be seekable and is not closed. Errors of a single product are part of its
    entry. Raises ParseError immediately if the file cannot be read at all. Iterating over a Shopify
    or WooCommerce file raises UnavailableError if the temporary folder has no room for it.
    """
    from eggypro_adapters.files.reading import read_entries

    return read_entries(stream, file_format)


def write_products(export: CatalogSnapshot, stream: BinaryIO, *, file_format: str) -> int:
    """Write the products of an export and return their number.

    Raises ValidationError for an unknown format, and any error of the stream.
    """
    from eggypro_adapters.files.writing import write_export

    return write_export(export, stream, file_format)
