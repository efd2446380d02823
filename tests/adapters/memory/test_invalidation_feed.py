import pytest

from eggypro_adapters.contracts.invalidation_feed import ChangesContract, Touch
from eggypro_adapters.memory import MemoryChanges


class TestMemoryChanges(ChangesContract):
    @pytest.fixture
    def changes(self) -> MemoryChanges:
        return MemoryChanges()

    @pytest.fixture
    def touch(self, changes: MemoryChanges) -> Touch:
        return changes.touch
