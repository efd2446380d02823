"""Things that tests begin with, so that each test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from eggypro_adapters.files import read_products
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.access import Gate
from eggypro_core.app import EggyPro
from eggypro_core.catalog import Catalog
from eggypro_core.ports import ProductStore
from eggypro_core.taxonomy import Taxonomy

ADMIN_KEY = "an-admin-key-of-tests-with-enough-characters"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_product(**changes: object) -> dict[str, Any]:
    """Return what may be written of a product, by the names of the wire."""
    return {
        "name": "Egg White Protein",
        "description": "Pure protein of egg white",
        "details": "<p>Five eggs in each scoop.</p>",
        "ingredients": ["egg white", "vanilla"],
        "price": "24.99",
    } | changes


def an_eggypro(store: ProductStore | None = None) -> EggyPro:
    """Return a shop in memory, where it is always noon."""
    database = MemoryDatabase()
    products = MemoryProductStore(database) if store is None else store
    return EggyPro(
        catalog=Catalog(products, NhHtmlCleaner(), lambda: NOON),
        taxonomy=Taxonomy(MemoryCategoryStore(database), lambda: NOON),
        gate=Gate(ADMIN_KEY),
        reader=read_products,
    )
