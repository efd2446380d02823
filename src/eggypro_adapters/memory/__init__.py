"""Every port within this process: the reference that real adapters are tested against."""

from eggypro_adapters.memory.cache import MemoryCache
from eggypro_adapters.memory.calls import MemoryCallStore
from eggypro_adapters.memory.categories import MemoryCategoryStore
from eggypro_adapters.memory.changes import MemoryChanges
from eggypro_adapters.memory.counter import MemoryCounter
from eggypro_adapters.memory.images import MemoryImageStore
from eggypro_adapters.memory.ledger import MemoryImageLedger
from eggypro_adapters.memory.misses import MemorySearchMisses
from eggypro_adapters.memory.once import MemoryOnce
from eggypro_adapters.memory.products import MemoryProductStore
from eggypro_adapters.memory.reviews import MemoryReviewStore
from eggypro_adapters.memory.shelf import MemoryDatabase
from eggypro_adapters.memory.tokens import MemoryTokenSigner
from eggypro_adapters.memory.variants import MemoryVariantStore
from eggypro_adapters.memory.watching import MemoryErrorTracker, MemoryFigures

__all__ = [
    "MemoryCache",
    "MemoryCallStore",
    "MemoryCategoryStore",
    "MemoryChanges",
    "MemoryCounter",
    "MemoryDatabase",
    "MemoryErrorTracker",
    "MemoryFigures",
    "MemoryImageLedger",
    "MemoryImageStore",
    "MemoryOnce",
    "MemoryProductStore",
    "MemoryReviewStore",
    "MemorySearchMisses",
    "MemoryTokenSigner",
    "MemoryVariantStore",
]
