"""Ports of the catalogue: what the domain needs of the world, as Protocols."""

from eggypro_core.ports.clock import Clock, utc_now
from eggypro_core.ports.files import HtmlCleaner, ProductLoad, ProductReader, ProductWriter
from eggypro_core.ports.images import ImageCleaner, ImageFiles, ImageLedger, ImageStore
from eggypro_core.ports.stores import (
    CategoryStore,
    ProductStore,
    ReviewStore,
    SearchMisses,
    VariantStore,
)

__all__ = [
    "CategoryStore",
    "Clock",
    "HtmlCleaner",
    "ImageCleaner",
    "ImageFiles",
    "ImageLedger",
    "ImageStore",
    "ProductLoad",
    "ProductReader",
    "ProductStore",
    "ProductWriter",
    "ReviewStore",
    "SearchMisses",
    "VariantStore",
    "utc_now",
]
