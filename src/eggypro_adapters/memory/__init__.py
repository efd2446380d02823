"""Every port within this process: the reference that real adapters are tested against."""

from eggypro_adapters.memory.cache import MemoryCache
from eggypro_adapters.memory.categories import MemoryCategoryStore
from eggypro_adapters.memory.counter import MemoryCounter
from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_adapters.memory.idempotency import MemoryOnce
from eggypro_adapters.memory.image_registry import MemoryImageLedger
from eggypro_adapters.memory.images import MemoryImageStore
from eggypro_adapters.memory.invalidation_feed import MemoryChanges
from eggypro_adapters.memory.monitoring import MemoryErrorTracker, MemoryFigures
from eggypro_adapters.memory.products import MemoryProductStore
from eggypro_adapters.memory.request_log import MemoryCallStore
from eggypro_adapters.memory.reviews import MemoryReviewStore
from eggypro_adapters.memory.tokens import MemoryTokenSigner
from eggypro_adapters.memory.variants import MemoryVariantStore
from eggypro_adapters.memory.zero_result_searches import MemorySearchMisses

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
