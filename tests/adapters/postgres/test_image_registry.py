import pytest

from eggypro_adapters.contracts.image_registry import ImageLedgerContract, Stores
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.image_registry import PostgresImageLedger
from eggypro_adapters.postgres.products import PostgresProductStore


class TestPostgresImageLedger(ImageLedgerContract):
    @pytest.fixture
    def stores(self, emptied_database: Database) -> Stores:
        return Stores(PostgresImageLedger(emptied_database), PostgresProductStore(emptied_database))
