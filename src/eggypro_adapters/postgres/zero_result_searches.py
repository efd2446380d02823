"""Counts of zero-result searches in Postgres."""

from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.schema import search_misses
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch

# A search waits for this statement, so it waits neither for the disk (a crash loses a few counts)
# nor long for locks. The deletion skips locked rows and is based on the snapshot before the insert:
# besides these words, one less than the maximum may remain. The order is total, so that concurrent
# requests agree on the rows to delete.
_RECORD = sa.text(
    f"""
WITH counted AS (
  INSERT INTO search_misses AS stored (words, times, last_at)
  SELECT CAST(:words AS text), 1, CAST(:at AS timestamptz) FROM (
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '200ms', true)
  ) AS settings
  ON CONFLICT (words) DO UPDATE
  SET times = stored.times + 1, last_at = greatest(stored.last_at, excluded.last_at)
)
DELETE FROM search_misses WHERE words IN (
  SELECT words FROM search_misses WHERE words IN (
    SELECT words FROM search_misses WHERE words <> CAST(:words AS text)
    ORDER BY times DESC, last_at DESC, words OFFSET {MAX_ZERO_RESULT_TERMS - 1}
  ) FOR UPDATE SKIP LOCKED
)"""
)
_LIST = CompiledStatement.compile(
    sa.select(search_misses.c.words, search_misses.c.times, search_misses.c.last_at)
    .order_by(search_misses.c.times.desc(), search_misses.c.last_at.desc(), search_misses.c.words)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)

_PRUNE = sa.text(
    """
DELETE FROM search_misses WHERE words IN (
  SELECT words FROM search_misses WHERE last_at < :before FOR UPDATE SKIP LOCKED
)"""
)


@frozen
class PostgresZeroResultStore:
    """Count zero-result searches in Postgres, shared by all processes."""

    _database: Database

    def record(self, words: str, at: datetime) -> None:
        values = {"words": words, "at": at}
        self._database.run_transaction(lambda connection: connection.execute(_RECORD, values))

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        rows = self._database.fetch(_LIST, {"limit": limit})
        return tuple(ZeroResultSearch(*row) for row in rows)

    def clear(self) -> None:
        self._database.run_transaction(
            lambda connection: connection.execute(sa.delete(search_misses))
        )

    def prune(self, before: datetime) -> int:
        return self._database.run_transaction(
            lambda connection: connection.execute(_PRUNE, {"before": before}).rowcount
        )
