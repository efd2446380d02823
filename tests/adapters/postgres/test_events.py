import pytest

from eggypro_adapters.contracts.event_log import EventLogContract, EventStores
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.events import PostgresEventLog
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore


class TestPostgresEventLog(EventLogContract):
    @pytest.fixture
    def stores(self, database: Database) -> EventStores:
        return make_stores(database)


def make_stores(database: Database) -> EventStores:
    return EventStores(
        PostgresEventLog(database),
        PostgresProductStore(database),
        PostgresVariantStore(database),
        PostgresReviewStore(database),
        PostgresCategoryStore(database),
    )
