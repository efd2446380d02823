import pytest

from eggypro_adapters.contracts.image_ledger import ImageLedgerContract, Stores
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.ledger import PostgresImageLedger
from eggypro_adapters.postgres.products import PostgresProductStore


class TestPostgresImageLedger(ImageLedgerContract):
    @pytest.fixture
    def stores(self, database: Database) -> Stores:
        return Stores(PostgresImageLedger(database), PostgresProductStore(database))
