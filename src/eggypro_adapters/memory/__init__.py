"""In-memory adapters of all ports: the reference that other adapters are tested against."""

from eggypro_adapters.memory.api_keys import MemoryApiKeyStore
from eggypro_adapters.memory.cache import MemoryCache
from eggypro_adapters.memory.categories import MemoryCategoryStore
from eggypro_adapters.memory.counter import MemoryRateCounter
from eggypro_adapters.memory.database import MemoryDatabase
from eggypro_adapters.memory.events import MemoryEventLog
from eggypro_adapters.memory.idempotency import MemoryIdempotencyStore
from eggypro_adapters.memory.image_registry import MemoryImageRegistry
from eggypro_adapters.memory.images import MemoryImageStore
from eggypro_adapters.memory.invalidation_feed import MemoryInvalidationFeed
from eggypro_adapters.memory.monitoring import MemoryErrorTracker, MemoryMetricsExporter
from eggypro_adapters.memory.products import MemoryProductStore
from eggypro_adapters.memory.request_log import MemoryRequestLog
from eggypro_adapters.memory.reviews import MemoryReviewStore
from eggypro_adapters.memory.tokens import MemoryTokenSigner
from eggypro_adapters.memory.variants import MemoryVariantStore
from eggypro_adapters.memory.zero_result_searches import MemoryZeroResultStore

__all__ = [
    "MemoryApiKeyStore",
    "MemoryCache",
    "MemoryCategoryStore",
    "MemoryDatabase",
    "MemoryErrorTracker",
    "MemoryEventLog",
    "MemoryIdempotencyStore",
    "MemoryImageRegistry",
    "MemoryImageStore",
    "MemoryInvalidationFeed",
    "MemoryMetricsExporter",
    "MemoryProductStore",
    "MemoryRateCounter",
    "MemoryRequestLog",
    "MemoryReviewStore",
    "MemoryTokenSigner",
    "MemoryVariantStore",
    "MemoryZeroResultStore",
]
