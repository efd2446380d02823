"""Reads from a streaming replica, as long as it shows all that is known to be written."""

from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Self

import sqlalchemy as sa
from attrs import field, frozen

from eggypro_adapters.postgres.database import (
    SNAPSHOT_XMIN_SQL,
    CompiledStatement,
    Database,
    PoolerCheck,
    driver_connection,
)
from eggypro_adapters.postgres.errors import translate_errors
from eggypro_core.errors import ConflictError, UnavailableError
from eggypro_core.retry_gate import RetryGate

REPLICA_TIMEOUT_SECONDS = 1.0
"""Seconds for which a read waits for a replica that says nothing."""
CONNECT_TIMEOUT_SECONDS = 2
"""Seconds for which one waits to be connected. libpq knows no fewer."""
POOL_TIMEOUT_SECONDS = 0.1
"""Seconds for which a read waits for a connection to it."""
FAILURE_PAUSE_SECONDS = 1.0
"""Seconds for which a replica that failed is left alone, before one read tries it."""
LAG_PAUSE_SECONDS = 0.02
"""Seconds for which one that lacked a write is left alone, to catch up."""

Rows = Sequence[tuple[Any, ...]]


class Replica:
    """A copy of the database that may be behind, or away: then it has no answer.

    Its transactions have the primary's numbers, so what it has replayed can be compared with what
    is `needed`: from which number on a read sees enough, None where nobody knows.
    """

    def __init__(
        self,
        database: Database,
        required_version: Callable[[], int | None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._database = database
        self._required_version = required_version
        self._gate = RetryGate(FAILURE_PAUSE_SECONDS, clock)

    @classmethod
    def connect(
        cls,
        url: sa.URL | str,
        required_version: Callable[[], int | None],
        *,
        size: int,
        pooler: PoolerCheck,
        clock: Callable[[], float] = monotonic,
    ) -> Self:
        """Return a replica with at most `size` connections. None is opened yet."""
        at_once = sa.make_url(url).update_query_dict(
            {"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)}
        )
        database = Database.connect(
            at_once, size=size, pool_timeout=POOL_TIMEOUT_SECONDS, pooler=pooler
        )
        return cls(database, required_version, clock)

    def fetch(self, statement: CompiledStatement, values: Mapping[str, object]) -> Rows | None:
        """Run a SELECT in one round trip, or return None: the primary is to be asked."""
        needed = self._required_version()
        if needed is None or not self._gate.allows():
            return None
        try:
            with translate_errors():
                reached, rows = self._fetch(statement, values)
        except (UnavailableError, ConflictError):  # the latter: what it replays got in the way
            self._gate.block()
            return None
        if reached < needed:
            self._gate.block(LAG_PAUSE_SECONDS)
            return None
        self._gate.unblock()
        return rows

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> tuple[int, Rows]:
        """Return up to which number the rows show everything, and the rows."""
        pooled = self._database.engine.raw_connection()
        connection = driver_connection(pooled)
        connection.response_timeout = REPLICA_TIMEOUT_SECONDS
        try:
            with (
                connection.pipeline(),
                connection.cursor() as first,
                connection.cursor(binary=True) as then,
            ):
                first.execute(SNAPSHOT_XMIN_SQL)
                prepare = None if statement.is_prepared else False
                then.execute(statement.sql, statement.values(values), prepare=prepare)
                (reached,) = first.fetchone() or (0,)
                return reached, then.fetchall()
        except BaseException as error:
            pooled.invalidate(error)
            raise
        finally:
            pooled.close()


@frozen
class ReplicatedDatabase(Database):
    """A database whose reads are a replica's where that can answer. All else is the primary's."""

    _replica: Replica = field(repr=False)

    @classmethod
    def from_primary(cls, database: Database, replica: Replica) -> Self:
        """Return a database with a replica beside it."""
        return cls(
            database.engine,
            database._write_engine,  # its own kind  # noqa: SLF001  # its own kind
            database._snapshot_engine,  # noqa: SLF001
            database._record_write,  # noqa: SLF001
            database._outage,  # noqa: SLF001
            replica,
        )

    def fetch(self, statement: CompiledStatement, values: Mapping[str, object]) -> Rows:
        """Run a SELECT on the replica, or else as any database does."""
        rows = self._replica.fetch(statement, values)
        return super().fetch(statement, values) if rows is None else rows
