"""API keys in memory and in Postgres, and the notes of their uses."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event

import pytest
import sqlalchemy as sa
from attrs import define, field

from eggypro_adapters.api_key_uses import ApiKeyUses
from eggypro_adapters.contracts.api_key_store import ApiKeyStoreContract, create_key
from eggypro_adapters.contracts.clock import NOON, FakeClock, FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_for_event
from eggypro_adapters.memory import MemoryApiKeyStore
from eggypro_adapters.postgres.api_keys import PostgresApiKeyStore
from eggypro_adapters.postgres.database import Database
from eggypro_core.access.api_keys import (
    MAX_CHECK_AGE_SECONDS,
    ApiKeyStore,
    CachedApiKeyVerifier,
)
from eggypro_core.access.authentication import Permission
from eggypro_core.errors import UnauthenticatedError, UnavailableError
from eggypro_core.services.api_keys import ApiKeyService

STOREFRONT = {"name": "storefront", "permissions": ["products:read"]}


class TestMemoryApiKeyStore(ApiKeyStoreContract):
    @pytest.fixture
    def store(self) -> ApiKeyStore:
        return MemoryApiKeyStore()


class TestPostgresApiKeyStore(ApiKeyStoreContract):
    @pytest.fixture
    def store(self, emptied_database: Database) -> ApiKeyStore:
        return PostgresApiKeyStore(emptied_database)


def test_permissions_of_a_later_version_are_left_out(emptied_database: Database) -> None:
    store = PostgresApiKeyStore(emptied_database)
    key = create_key(store)
    with emptied_database.long_transaction() as connection:
        connection.execute(sa.text("UPDATE api_keys SET permissions = permissions || '{eggs:lay}'"))
    assert store.get(key.prefix).permissions == {Permission.PRODUCTS_READ}


def test_a_key_that_another_process_revokes_ends_within_a_second(
    database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    ours, others = (PostgresApiKeyStore(connect_database(database_url)) for _ in range(2))
    seconds = FakeMonotonicClock()
    verifier = CachedApiKeyVerifier(ours, FakeClock(), lambda *_: None, seconds)
    created = ApiKeyService(others, FakeClock()).create(STOREFRONT)
    assert verifier.user_for(created.key, is_public=False).name == "storefront"
    ApiKeyService(others, FakeClock()).revoke(created.api_key.id)
    seconds.now += MAX_CHECK_AGE_SECONDS
    with pytest.raises(UnauthenticatedError, match="revoked"):
        verifier.user_for(created.key, is_public=False)


@define
class UseStore(MemoryApiKeyStore):
    """Record the written batches; unavailable if told so."""

    is_unavailable: bool = False
    batches: list[Mapping[int, datetime]] = field(factory=list)
    has_written: Event = field(factory=Event)

    def record_uses(self, uses: Mapping[int, datetime]) -> None:
        if self.is_unavailable:
            raise UnavailableError("down")
        self.batches.append(uses)
        self.has_written.set()


LATER = NOON + timedelta(minutes=1)


def test_uses_are_written_in_the_background_in_batches() -> None:
    store = UseStore()
    uses = ApiKeyUses(store, delay_seconds=0)
    uses.note(1, NOON)
    wait_for_event(store.has_written)
    assert store.batches == [{1: NOON}]
    uses.close()


def test_uses_of_an_outage_are_written_later_with_the_newest_times() -> None:
    store = UseStore(is_unavailable=True)
    uses = ApiKeyUses(store, delay_seconds=3600)
    uses.note(1, NOON)
    uses.note(2, NOON)
    assert not uses.flush()
    uses.note(1, LATER)
    store.is_unavailable = False
    uses.close()
    assert store.batches == [{1: LATER, 2: NOON}]


def test_in_a_request_a_use_is_written_at_once_and_an_outage_is_no_error() -> None:
    store = UseStore(is_unavailable=True)
    uses = ApiKeyUses(store, in_request=True)
    uses.note(1, NOON)
    store.is_unavailable = False
    uses.note(2, NOON)
    assert store.batches == [{1: NOON, 2: NOON}]
