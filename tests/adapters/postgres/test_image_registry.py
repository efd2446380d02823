import pytest

from eggypro_adapters.contracts.image_registry import ImageRegistryContract, RegistryStores
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore


class TestPostgresImageRegistry(ImageRegistryContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> RegistryStores:
        return RegistryStores(
            PostgresImageRegistry(emptied_database), PostgresProductStore(emptied_database)
        )
