"""Reads from a streaming replica, if it has replayed all known writes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from time import monotonic
from typing import Any, Self

import sqlalchemy as sa
from attrs import field, frozen

from eggypro_adapters.postgres.connection import PoolerCheck, driver_connection
from eggypro_adapters.postgres.database import SNAPSHOT_XMIN_SQL, CompiledStatement, Database
from eggypro_adapters.postgres.errors import translate_errors
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import ConflictError, UnavailableError

REPLICA_TIMEOUT_SECONDS = 1.0
"""Seconds that a read waits for a response of the replica."""
CONNECT_TIMEOUT_SECONDS = 2
"""Seconds that a read waits for a new connection: the minimum of libpq."""
POOL_TIMEOUT_SECONDS = 0.1
"""Seconds that a read waits for a free connection of the pool."""
FAILURE_PAUSE_SECONDS = 1.0
"""Seconds after a failure until one read tries the replica again."""
LAG_PAUSE_SECONDS = 0.02
"""Seconds after a read that lacked a write, for the replica to catch up."""

Rows = Sequence[tuple[Any, ...]]


class Replica:
    """Read-only copy of the database, which may lag or be unavailable.

    It has the transaction numbers of the primary, so that its progress can be compared with
    `required_version()`: the number from which a read sees all known writes, None if unknown.
    `outage` wraps each read, to detect outages.
    """

    def __init__(
        self,
        database: Database,
        required_version: Callable[[], int | None],
        clock: Callable[[], float] = monotonic,
        outage: AbstractContextManager[None] | None = None,
    ) -> None:
        self._database = database
        self._outage = outage or nullcontext()
        self._required_version = required_version
        self._circuit_breaker = CircuitBreaker(FAILURE_PAUSE_SECONDS, clock)

    @classmethod
    def connect(
        cls,
        url: sa.URL | str,
        required_version: Callable[[], int | None],
        *,
        size: int,
        pooler: PoolerCheck,
        clock: Callable[[], float] = monotonic,
        outage: AbstractContextManager[None] | None = None,
    ) -> Self:
        """Return a replica with at most `size` connections. Opens none yet."""
        url = sa.make_url(url).update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_SECONDS)})
        database = Database.connect(
            url, size=size, pool_timeout=POOL_TIMEOUT_SECONDS, pooler=pooler
        )
        database.name_setting("POSTGRES_READ_URL")
        return cls(database, required_version, clock, outage)

    def fetch(self, statement: CompiledStatement, values: Mapping[str, object]) -> Rows | None:
        """Run a SELECT in one round trip; return None if the primary must run it."""
        required = self._required_version()
        if required is None or not self._circuit_breaker.allows():
            return None
        try:
            with self._outage, translate_errors(self._database.role):
                version, rows = self._fetch(statement, values)
        except (UnavailableError, ConflictError):  # the latter: a conflict with the WAL replay
            self._circuit_breaker.trip()
            return None
        if version < required:
            self._circuit_breaker.trip(LAG_PAUSE_SECONDS)
            return None
        self._circuit_breaker.reset()
        return rows

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> tuple[int, Rows]:
        """Return the version up to which the rows are current, and the rows."""
        pooled = self._database.engine.raw_connection()
        connection = driver_connection(pooled)
        connection.response_timeout = REPLICA_TIMEOUT_SECONDS
        try:
            with (
                connection.pipeline(),
                connection.cursor() as version_cursor,
                connection.cursor(binary=True) as cursor,
            ):
                version_cursor.execute(SNAPSHOT_XMIN_SQL)
                prepare = None if statement.is_prepared else False
                cursor.execute(statement.sql, statement.values(values), prepare=prepare)
                (version,) = version_cursor.fetchone() or (0,)
                return version, cursor.fetchall()
        except BaseException as error:
            pooled.invalidate(error)
            raise
        finally:
            pooled.close()


@frozen
class ReplicatedDatabase(Database):
    """Database that reads from a replica where possible, and otherwise uses the primary."""

    _replica: Replica = field(repr=False)

    @classmethod
    def from_primary(cls, database: Database, replica: Replica) -> Self:
        """Return a database with a replica for its reads."""
        return database.extend(cls, replica)

    def fetch(self, statement: CompiledStatement, values: Mapping[str, object]) -> Rows:
        """Run a SELECT on the replica, or on the primary if the replica cannot run it."""
        rows = self._replica.fetch(statement, values)
        return super().fetch(statement, values) if rows is None else rows
