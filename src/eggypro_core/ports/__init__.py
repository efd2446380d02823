"""Ports of the catalogue, as Protocols that adapters implement."""

from eggypro_core.ports.clock import Clock, utc_now
from eggypro_core.ports.files import HtmlCleaner, ImportSession, ProductReader, ProductWriter
from eggypro_core.ports.images import ImageCleaner, ImageRegistry, ImageServer, ImageStore
from eggypro_core.ports.stores import (
    CategoryStore,
    ProductStore,
    ReviewStore,
    VariantStore,
    ZeroResultStore,
)

__all__ = [
    "CategoryStore",
    "Clock",
    "HtmlCleaner",
    "ImageCleaner",
    "ImageRegistry",
    "ImageServer",
    "ImageStore",
    "ImportSession",
    "ProductReader",
    "ProductStore",
    "ProductWriter",
    "ReviewStore",
    "VariantStore",
    "ZeroResultStore",
    "utc_now",
]
