"""Deletion of expired rows: literal retention times, small steps, one process at a time."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.locks import try_prune_lock
from eggypro_adapters.postgres.pruning import Pruner
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.postgres.zero_result_searches import PostgresZeroResultStore
from eggypro_core.operations.request_metrics import PRUNE_BATCH_SIZE, RequestMetrics
from tests.support.builders import make_shop

INSERTIONS = (
    """
INSERT INTO api_metrics (endpoint, method, status_code, response_time, created_at)
SELECT '/' || state, 'GET', 200, 1, at FROM (VALUES {values}) AS ages (state, at)""",
    """
INSERT INTO search_misses (words, times, last_at)
SELECT state, 1, at FROM (VALUES {values}) AS ages (state, at)""",
    """
INSERT INTO idempotency_keys (name, fingerprint, body, headers, expires_at)
SELECT state, '', '', '{{}}', at + interval '24 hours'
FROM (VALUES {values}) AS ages (state, at)""",
)
LEFT = CompiledStatement.compile(
    sa.text(
        "SELECT array(SELECT endpoint FROM api_metrics), array(SELECT words FROM search_misses),"
        " array(SELECT name FROM idempotency_keys)"
    )
)


@pytest.fixture
def pruner(emptied_database: Database) -> Pruner:
    shop = evolve(
        make_shop(),
        clock=lambda: datetime.now(UTC),
        request_metrics=RequestMetrics(
            PostgresRequestLog(emptied_database), lambda: datetime.now(UTC)
        ),
        zero_results=PostgresZeroResultStore(emptied_database),
        idempotency=PostgresIdempotencyStore(emptied_database, lambda _: {}),
    )
    return Pruner(shop, emptied_database)


def insert(database: Database, *days: int) -> None:
    """Insert an expired and a current row into each table, for a retention of `days` each."""
    with database.short_transaction() as connection:
        for statement, retention in zip(INSERTIONS, days, strict=True):
            expired, current = (
                f"now() - interval '{retention} days' {sign} interval '1 minute'" for sign in "-+"
            )
            values = f"('expired', {expired}), ('current', {current})"
            connection.execute(sa.text(statement.format(values=values)))


def test_metrics_and_searches_expire_after_30_days_and_idempotency_keys_after_24_hours(
    pruner: Pruner, emptied_database: Database
) -> None:
    insert(emptied_database, 30, 30, 1)
    while pruner.prune():
        pass
    [left] = emptied_database.fetch(LEFT, {})
    assert left == (["/current"], ["current"], ["current"])
    assert pruner.removed == 3


def test_a_step_deletes_a_batch(pruner: Pruner, emptied_database: Database) -> None:
    requests = (
        "INSERT INTO api_metrics (endpoint, method, status_code, response_time, created_at)"
        " SELECT '/', 'GET', 200, 1, now() - interval '31 days' FROM generate_series(1, :count)"
    )
    with emptied_database.short_transaction() as connection:
        connection.execute(sa.text(requests), {"count": PRUNE_BATCH_SIZE + 1})
    assert pruner.prune()
    assert pruner.removed == PRUNE_BATCH_SIZE
    assert pruner.prune()
    assert not pruner.prune()
    assert pruner.removed == PRUNE_BATCH_SIZE + 1


def test_one_process_at_a_time_prunes(pruner: Pruner, emptied_database: Database) -> None:
    insert(emptied_database, 30, 30, 1)
    with emptied_database.short_transaction() as connection:
        assert try_prune_lock(connection)
        assert not pruner.prune()
        assert pruner.removed == 0
    assert pruner.prune()
    assert pruner.removed > 0
