"""The request log in memory and in Postgres."""

from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.request_log import DAY, RequestLogContract, make_record
from eggypro_adapters.memory import MemoryRequestLog
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_core.operations.request_metrics import ErrorSummary, RequestLog


class TestMemoryRequestLog(RequestLogContract):
    @pytest.fixture
    def store(self) -> RequestLog:
        return MemoryRequestLog()


class TestPostgresRequestLog(RequestLogContract):
    @pytest.fixture
    def store(self, emptied_database: Database) -> RequestLog:
        return PostgresRequestLog(emptied_database)


def test_all_fields_of_a_request_are_stored(emptied_database: Database) -> None:
    PostgresRequestLog(emptied_database).append([make_record(0.25, status=404)])
    with emptied_database.long_transaction() as connection:
        [row] = connection.execute(sa.text("SELECT * FROM api_metrics"))
    assert row[1:] == (
        "/api/products/{slug}",
        "GET",
        404,
        0.25,
        "Egg\tBrowser\\N 1.0\n",
        "203.0.113.0/24",
        NOON,
        "an-id",
        1,
    )


def test_equal_requests_of_a_second_share_a_row_unless_they_are_errors(
    emptied_database: Database,
) -> None:
    records = [
        make_record(completed_at=NOON + timedelta(milliseconds=100 * number))
        for number in range(12)
    ]
    others = [
        make_record(method="HEAD"),
        make_record(2),
        evolve(make_record(), network="192.0.2.0/24"),
    ]
    PostgresRequestLog(emptied_database).append([*records, *others, *[make_record(status=404)] * 2])
    with emptied_database.long_transaction() as connection:
        rows = connection.execute(sa.text("SELECT requests FROM api_metrics"))
        assert sorted(row.requests for row in rows) == [1, 1, 1, 1, 1, 2, 10]


def test_request_ids_are_stored_for_errors_only(emptied_database: Database) -> None:
    PostgresRequestLog(emptied_database).append([make_record(), make_record(status=400)])
    with emptied_database.long_transaction() as connection:
        rows = connection.execute(sa.text("SELECT status_code, request_id FROM api_metrics"))
        assert sorted(rows) == [(200, None), (400, "an-id")]


def test_errors_of_an_earlier_version_have_no_request_id(emptied_database: Database) -> None:
    earlier = sa.text(
        "INSERT INTO api_metrics (endpoint, method, status_code, response_time, created_at)"
        " VALUES ('/', 'GET', 500, 1, :at)"
    )
    with emptied_database.short_transaction() as connection:
        connection.execute(earlier, {"at": NOON})
    [error] = PostgresRequestLog(emptied_database).summarise_errors(NOON)
    assert error == ErrorSummary("/", "GET", 500, 1, NOON, None)


def test_batch_with_an_invalid_record_is_rolled_back(emptied_database: Database) -> None:
    store = PostgresRequestLog(emptied_database)
    with pytest.raises(psycopg.errors.CheckViolation):
        store.append([make_record(), make_record(-1)])
    assert store.summarise(NOON) == ()


def test_a_prune_in_progress_delays_nobody(emptied_database: Database) -> None:
    store = PostgresRequestLog(emptied_database)
    store.append([make_record()])
    with emptied_database.long_transaction() as connection:
        connection.execute(sa.text("SELECT FROM api_metrics FOR UPDATE"))
        assert store.prune(NOON + DAY, 10) == 0
    assert store.prune(NOON + DAY, 10) == 1
