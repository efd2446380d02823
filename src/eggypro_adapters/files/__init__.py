"""Files of products, read and written. What knows their forms is not loaded before there is one."""

from collections.abc import Iterator
from typing import BinaryIO

from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry

__all__ = ["FORMATS", "NhHtmlCleaner", "read_products", "write_products"]

FORMATS = ("auto", "eggypro-csv", "jsonl", "shopify", "woocommerce")


def read_products(stream: BinaryIO, *, form: str = "auto") -> Iterator[ImportEntry]:
    """Return the products of a file in the order of the file, read while they are asked for.

    The stream need not be seekable, and is left open. What cannot be read of one product is in its
    entry; a file that cannot be read at all raises ParseError, at once. Reading one that is not
    of our own formats raises UnavailableError where the temporary folder has no room for it.
    """
    from eggypro_adapters.files.reading import read_entries

    return read_entries(stream, form)


def write_products(export: CatalogSnapshot, stream: BinaryIO, *, form: str) -> int:
    """Write the products of an export, and return how many.

    Raises ValidationError for a form that is not known, and what the stream raises.
    """
    from eggypro_adapters.files.writing import write_export

    return write_export(export, stream, form)
