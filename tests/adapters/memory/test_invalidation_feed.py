import pytest

from eggypro_adapters.contracts.invalidation_feed import InvalidationFeedContract, WriteTag
from eggypro_adapters.memory import MemoryInvalidationFeed


class TestMemoryInvalidationFeed(InvalidationFeedContract):
    @pytest.fixture
    def feed(self) -> MemoryInvalidationFeed:
        return MemoryInvalidationFeed()

    @pytest.fixture
    def write_tag(self, feed: MemoryInvalidationFeed) -> WriteTag:
        return feed.invalidate
