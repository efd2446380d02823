"""Calls in memory and in Postgres, where there may be very many of them."""

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.request_log import CallStoreContract, a_call
from eggypro_adapters.memory import MemoryCallStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.request_log import PostgresCallStore
from eggypro_core.operations.request_metrics import CallStore


class TestMemoryCallStore(CallStoreContract):
    @pytest.fixture
    def store(self) -> CallStore:
        return MemoryCallStore()


class TestPostgresCallStore(CallStoreContract):
    @pytest.fixture
    def store(self, emptied_database: Database) -> CallStore:
        return PostgresCallStore(emptied_database)


def test_all_that_is_known_of_a_call_is_kept(emptied_database: Database) -> None:
    PostgresCallStore(emptied_database).add([a_call(0.25, status=404)])
    with emptied_database.begin() as connection:
        [row] = connection.execute(sa.text("SELECT * FROM api_metrics"))
    assert row[1:] == (
        "/api/products/{slug}",
        "GET",
        404,
        0.25,
        "Egg\tBrowser\\N 1.0\n",
        "203.0.113.0/24",
        NOON,
    )


def test_of_a_batch_with_a_call_that_cannot_be_kept_none_is(emptied_database: Database) -> None:
    store = PostgresCallStore(emptied_database)
    with pytest.raises(psycopg.errors.CheckViolation):
        store.add([a_call(), a_call(-1)])
    assert store.summary(NOON) == ()
