"""Ports of the catalogue, as Protocols that adapters implement."""

from eggypro_core.ports.clock import Clock, utc_now
from eggypro_core.ports.events import EventLog
from eggypro_core.ports.files import (
    HtmlCleaner,
    ImportSession,
    ImportStage,
    ProductReader,
    ProductWriter,
    StockReader,
)
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
    "EventLog",
    "HtmlCleaner",
    "ImageCleaner",
    "ImageRegistry",
    "ImageServer",
    "ImageStore",
    "ImportSession",
    "ImportStage",
    "ProductReader",
    "ProductStore",
    "ProductWriter",
    "ReviewStore",
    "StockReader",
    "VariantStore",
    "ZeroResultStore",
    "utc_now",
]
