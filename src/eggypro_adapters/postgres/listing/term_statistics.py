"""Frequencies of lexemes from Postgres' statistics, for search plans only, never for results."""

from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic

from attrs import define, field, frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database

MAX_AGE_SECONDS = 60.0
"""Seconds after which the statistics are read again."""
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
    """Number of rows of the search index, and the share of rows with each common lexeme."""

    rows: float
    _shares: Mapping[str, float]
    _unlisted_share: float = field(init=False)

    @_unlisted_share.default
    def _(self) -> float:
        # Unlisted lexemes are rarer than all listed ones. One does not matter, but many add up.
        return min(self._shares.values(), default=0.0) / 3

    def is_common(self, lexeme: str) -> bool:
        """Return whether Postgres knows how common a lexeme is: it is not rare."""
        return lexeme in self._shares

    def share(self, lexeme: str) -> float:
        """Return the share of rows with a lexeme."""
        return self._shares.get(lexeme, self._unlisted_share)

    def prefix_share(self, prefix: str) -> float:
        """Return the share of rows with any lexeme of a prefix, at most 1."""
        shares = (share for lexeme, share in self._shares.items() if lexeme.startswith(prefix))
        return min(sum(shares), 1.0)


@define
class TermStatisticsReader:
    """Read and cache the term statistics of a database."""

    _database: Database
    _clock: Callable[[], float] = monotonic
    _read_at: float = field(default=-MAX_AGE_SECONDS, init=False)
    _cached: TermStatistics = field(factory=lambda: TermStatistics(0, {}), init=False)
    _lock: Lock = field(factory=Lock, init=False, repr=False)

    def __call__(self) -> TermStatistics:
        """Return the statistics, not much older than MAX_AGE_SECONDS."""
        if self._clock() - self._read_at > MAX_AGE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._cached, self._read_at = self._read(), self._clock()
            finally:
                self._lock.release()
        return self._cached

    def _read(self) -> TermStatistics:
        rows, lexemes, shares = self._database.fetch(_SELECT_STATISTICS, {})[0]
        # After the shares of the lexemes, Postgres adds their minimum, maximum and that of nulls.
        return TermStatistics(rows, dict(zip(lexemes or (), shares or (), strict=False)))
