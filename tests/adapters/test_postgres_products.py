import pytest

from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.ports import ProductStore
from tests.contracts.product_store import ProductStoreContract


class TestPostgresProductStore(ProductStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> ProductStore:
        return PostgresProductStore(database)
