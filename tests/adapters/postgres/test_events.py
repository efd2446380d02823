import pytest

from eggypro_adapters.contracts.api_key_store import create_key
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.event_log import EventLogContract, EventStores
from eggypro_adapters.postgres.api_keys import PostgresApiKeyStore
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.events import PostgresEventLog
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.event import EventType
from eggypro_core.domain.event_query import EventQuery


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


def test_events_of_api_keys(database: Database) -> None:
    keys, log = PostgresApiKeyStore(database), PostgresEventLog(database)
    key = create_key(keys)
    for _ in range(2):
        keys.revoke(key.id, NOON)
    created, revoked = log.list(EventQuery()).items
    assert (created.type, revoked.type) == (EventType.KEY_CREATED, EventType.KEY_REVOKED)
    for event in (created, revoked):
        assert (event.subject.id, event.subject.name, event.changes) == (key.id, key.name, None)
