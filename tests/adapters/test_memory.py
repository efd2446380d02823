import pytest

from eggypro_adapters.memory import MemoryCategoryStore, MemoryDatabase, MemoryProductStore
from eggypro_core.ports import ProductStore
from tests.contracts.category_store import CategoryStoreContract, Stores
from tests.contracts.product_store import ProductStoreContract


class TestMemoryProductStore(ProductStoreContract):
    @pytest.fixture
    def store(self) -> ProductStore:
        return MemoryProductStore()


class TestMemoryCategoryStore(CategoryStoreContract):
    @pytest.fixture
    def stores(self) -> Stores:
        database = MemoryDatabase()
        return Stores(MemoryCategoryStore(database), MemoryProductStore(database))
