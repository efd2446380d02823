"""The searches that found nothing, counted in Postgres."""

from datetime import datetime

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.schema import search_misses
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch

# Somebody waits for the answer of a search meanwhile: it waits neither for the disk (what a crash
# takes is a few counts) nor long for others. Who deletes waits for nobody, and what is deleted is
# decided by how things were before: beside these words, one less than are kept may stay. The order
# leaves nothing open, so that many at once agree on what goes.
_RECORD = sa.text(
    f"""
WITH counted AS (
  INSERT INTO search_misses AS kept (words, times, last_at)
  SELECT CAST(:words AS text), 1, CAST(:at AS timestamptz) FROM (
    SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '200ms', true)
  ) AS hurried
  ON CONFLICT (words) DO UPDATE
  SET times = kept.times + 1, last_at = greatest(kept.last_at, excluded.last_at)
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
    .limit(sa.bindparam("most", type_=sa.Integer))
)


@frozen
class PostgresZeroResultStore:
    """Counts in Postgres, shared by all that use it."""

    _database: Database

    def record(self, words: str, at: datetime) -> None:
        values = {"words": words, "at": at}
        self._database.run_transaction(lambda connection: connection.execute(_RECORD, values))

    def list(self, limit: int) -> tuple[ZeroResultSearch, ...]:
        return tuple(ZeroResultSearch(*row) for row in self._database.fetch(_LIST, {"most": limit}))

    def clear(self) -> None:
        self._database.run_transaction(
            lambda connection: connection.execute(sa.delete(search_misses))
        )
