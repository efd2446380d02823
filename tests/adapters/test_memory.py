import pytest

from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.ports import ProductStore
from tests.contracts.product_store import ProductStoreContract


class TestMemoryProductStore(ProductStoreContract):
    @pytest.fixture
    def store(self) -> ProductStore:
        return MemoryProductStore()
