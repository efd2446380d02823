"""How common words are, as Postgres' own statistics say: what makes a plan, never a result."""

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic

from attrs import define, field, frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database

MAX_AGE_SECONDS = 60.0
"""Seconds after which they are read again."""
_SELECT_STATISTICS = CompiledStatement(
    """
SELECT greatest(reltuples, 0)::float8, most_common_elems::text::text[], most_common_elem_freqs
FROM pg_class LEFT JOIN pg_stats
  ON schemaname = current_schema() AND tablename = relname AND attname = 'words'
WHERE pg_class.oid = 'product_search'::regclass
""",
    {},
)


@frozen
class TermStatistics:
    """How many rows there are, and which part of them has a lexeme, for those that many have."""

    rows: float
    _shares: Mapping[str, float]
    _unlisted_share: float = field(init=False)

    @_unlisted_share.default
    def _(self) -> float:
        # What is not listed is rarer than all that is. Alone it does not count; many of them do.
        return min(self._shares.values(), default=0.0) / 3

    def share(self, lexeme: str) -> float:
        """Return the part of the rows that has a lexeme."""
        return self._shares.get(lexeme, self._unlisted_share)

    def prefix_share(self, prefix: str) -> float:
        """Return the part that has any lexeme with a prefix, 1 at most."""
        found = (share for lexeme, share in self._shares.items() if lexeme.startswith(prefix))
        return min(sum(found), 1.0)


@define
class TermStatisticsReader:
    """Reads the frequencies of a database, and keeps them for a while."""

    _database: Database
    _clock: Callable[[], float] = monotonic
    _read_at: float = field(default=-MAX_AGE_SECONDS, init=False)
    _cached: TermStatistics = field(factory=lambda: TermStatistics(0, {}), init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __call__(self) -> TermStatistics:
        """Return the frequencies, not much older than FRESH."""
        if self._clock() - self._read_at > MAX_AGE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._cached, self._read_at = self._read(), self._clock()
            finally:
                self._lock.release()
        return self._cached

    def _read(self) -> TermStatistics:
        rows, lexemes, shares = self._database.fetch(_SELECT_STATISTICS, {})[0]
        # Behind the shares of the lexemes come their least, their greatest, and that of none.
        return TermStatistics(rows, dict(zip(lexemes or (), shares or (), strict=False)))
