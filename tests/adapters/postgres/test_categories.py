import pytest

from eggypro_adapters.contracts.category_store import CategoryStoreContract, CategoryStores
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore


class TestPostgresCategoryStore(CategoryStoreContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> CategoryStores:
        return CategoryStores(
            PostgresCategoryStore(emptied_database), PostgresProductStore(emptied_database)
        )
