"""Request log in Postgres: written by COPY, summarised by SQL.

A row stands for one or more requests. Those with equal values in one second and one batch share a
row, because most of them are cached reads of few different durations. Each error has its own row,
with its request ID.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa
from attrs import define, frozen

from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.copy_format import escape_copy_text
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_core.operations.request_metrics import (
    MIN_ERROR_STATUS,
    MIN_SERVER_ERROR_STATUS,
    ErrorSummary,
    RequestRecord,
    RequestSummary,
)

# A crash may lose the records of the last half second: not worth waiting for the disk.
_ASYNCHRONOUS_COMMIT = sa.text("SELECT set_config('synchronous_commit', 'off', true)")
_COPY = (
    "COPY api_metrics (endpoint, method, status_code, response_time, user_agent, ip_address,"
    " created_at, request_id, requests) FROM STDIN"
)
# Percentiles from the count of each response time, which fits into memory: sorting a million
# requests would take seconds. `numeric` gives the shortest decimal of a `real`.
_SUMMARY = CompiledStatement.compile(
    sa.text(
        f"""
WITH counted AS MATERIALIZED (
  SELECT endpoint, method, response_time, sum(requests) AS requests,
    coalesce(sum(requests) FILTER (WHERE status_code >= {MIN_ERROR_STATUS}), 0) AS errors
  FROM api_metrics WHERE created_at >= CAST(:since AS timestamptz)
  GROUP BY endpoint, method, response_time
), ranked AS (
  SELECT *, sum(requests) OVER (PARTITION BY endpoint, method) AS total,
    sum(requests) OVER (PARTITION BY endpoint, method ORDER BY response_time) AS cumulative
  FROM counted
)
SELECT endpoint, method, CAST(total AS bigint), CAST(sum(errors) AS bigint),
  sum(CAST(CAST(response_time AS numeric) AS double precision) * requests) / total,
  CAST(min(CAST(response_time AS numeric)) FILTER (WHERE cumulative * 100 >= total * 50) AS float8),
  CAST(min(CAST(response_time AS numeric)) FILTER (WHERE cumulative * 100 >= total * 95) AS float8),
  CAST(min(CAST(response_time AS numeric)) FILTER (WHERE cumulative * 100 >= total * 99) AS float8)
FROM ranked GROUP BY endpoint, method, total
ORDER BY total DESC, endpoint COLLATE "C", method COLLATE "C" """
    ),
    is_prepared=False,
)
_COUNTS = CompiledStatement.compile(
    sa.text(
        """
SELECT CAST(floor(extract(epoch FROM created_at - CAST(:since AS timestamptz))
  / extract(epoch FROM CAST(:step AS interval))) AS integer) AS number, sum(requests)
FROM api_metrics
WHERE created_at >= CAST(:since AS timestamptz) AND created_at < CAST(:until AS timestamptz)
GROUP BY number"""
    ),
    is_prepared=False,
)
# The latest time and its request ID are one text, so that no row needs to be sorted.
_TIME_FORMAT = "YYYYMMDDHH24MISSUS"
_TIME_LENGTH = 20
_ERRORS = CompiledStatement.compile(
    sa.text(
        f"""
SELECT endpoint, method, status_code, sum(requests), max(created_at),
  substr(max(to_char(created_at, '{_TIME_FORMAT}') || request_id), {_TIME_LENGTH + 1})
FROM api_metrics
WHERE created_at >= CAST(:since AS timestamptz) AND status_code >= {MIN_ERROR_STATUS}
GROUP BY endpoint, method, status_code
ORDER BY status_code < {MIN_SERVER_ERROR_STATUS}, sum(requests) DESC,
  endpoint COLLATE "C", method COLLATE "C", status_code"""
    ),
    is_prepared=False,
)
_PRUNE = sa.text(
    """
WITH deleted AS (
DELETE FROM api_metrics WHERE id = ANY (ARRAY(
  SELECT id FROM api_metrics WHERE created_at < :before ORDER BY created_at LIMIT :limit
  FOR UPDATE SKIP LOCKED
)) RETURNING requests
)
SELECT coalesce(sum(requests), 0) FROM deleted"""
)


@frozen
class PostgresRequestLog:
    """Store request records in the table `api_metrics`."""

    _database: Database

    def append(self, records: Sequence[RequestRecord]) -> None:
        self._database.run_transaction(lambda connection: _copy(connection, records))

    def summarise(self, since: datetime) -> tuple[RequestSummary, ...]:
        return tuple(
            RequestSummary(*row) for row in self._database.fetch(_SUMMARY, {"since": since})
        )

    def summarise_errors(self, since: datetime) -> tuple[ErrorSummary, ...]:
        return tuple(ErrorSummary(*row) for row in self._database.fetch(_ERRORS, {"since": since}))

    def count_by_step(
        self, since: datetime, *, step: timedelta, step_count: int
    ) -> tuple[int, ...]:
        values = {"since": since, "step": step, "until": since + step * step_count}
        counts = dict(self._database.fetch(_COUNTS, values))
        return tuple(counts.get(number, 0) for number in range(step_count))

    def prune(self, before: datetime, limit: int) -> int:
        values = {"before": before, "limit": limit}
        return self._database.run_transaction(
            lambda connection: int(connection.execute(_PRUNE, values).scalar_one())
        )


def _copy(connection: sa.Connection, records: Sequence[RequestRecord]) -> None:
    connection.execute(_ASYNCHRONOUS_COMMIT)
    with driver_connection(connection.connection).cursor() as cursor, cursor.copy(_COPY) as copy:
        copy.write("".join(_rows(records)))


def _rows(records: Sequence[RequestRecord]) -> Iterator[str]:
    """Yield rows in the text format of COPY."""
    shared_rows: dict[tuple[object, ...], _SharedRow] = {}
    for record in records:
        if record.status >= MIN_ERROR_STATUS:
            yield _encode_row(record, 1)
            continue
        key = (
            record.endpoint,
            record.method,
            record.status,
            record.rounded_ms,
            record.network,
            record.user_agent,
            int(record.completed_at.timestamp()),
        )
        row = shared_rows.get(key)
        if row is None:
            shared_rows[key] = _SharedRow(record)
        else:
            row.count += 1
    for row in shared_rows.values():
        yield _encode_row(row.first, row.count)


@define
class _SharedRow:
    """The first of equal requests, and their number."""

    first: RequestRecord
    count: int = 1


def _encode_row(record: RequestRecord, count: int) -> str:
    """Return a row of `count` requests. Only errors are stored with their request ID."""
    is_error = record.status >= MIN_ERROR_STATUS
    request_id = escape_copy_text(record.request_id) if is_error else r"\N"
    return (
        f"{record.endpoint}\t{record.method}\t{record.status}\t{record.rounded_ms}"
        f"\t{_encode_text(record.user_agent)}\t{record.network}"
        f"\t{record.completed_at.isoformat()}\t{request_id}\t{count}\n"
    )


@lru_cache(1024)
def _encode_text(text: str) -> str:
    """Escape a text for COPY, without characters that Postgres cannot store.

    A single invalid record would block the whole batch.
    """
    return escape_copy_text(text.replace("\x00", "").encode(errors="replace").decode())
