"""Write products as an RSS feed of Google, to test that such feeds are read."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

from eggypro_adapters.files.google.writing import COLUMNS, Paths, is_exported, items_of_product
from eggypro_core.domain.product import Product


def rss_feed(products: Iterable[Product], paths: Paths) -> bytes:
    """Return a feed of the products on sale, with prices in euros."""
    items = "".join(
        f"<item>\n{_elements(item)}</item>\n"
        for product in filter(is_exported, products)
        for item in items_of_product(product, paths, "EUR", None)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n'
        f"<title>Products</title>\n{items}</channel>\n</rss>\n"
    ).encode()


def _elements(item: dict[str, list[str]]) -> str:
    return "".join(
        f"<g:{name}>{escape(text)}</g:{name}>\n" for name in COLUMNS for text in item.get(name, ())
    )
