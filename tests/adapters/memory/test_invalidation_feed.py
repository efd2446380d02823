import pytest

from eggypro_adapters.contracts.invalidation_feed import InvalidationFeedContract, Touch
from eggypro_adapters.memory import MemoryInvalidationFeed


class TestMemoryChanges(InvalidationFeedContract):
    @pytest.fixture
    def changes(self) -> MemoryInvalidationFeed:
        return MemoryInvalidationFeed()

    @pytest.fixture
    def touch(self, changes: MemoryInvalidationFeed) -> Touch:
        return changes.invalidate
