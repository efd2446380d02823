"""Connections to Postgres: a pool, one round trip a read, transactions for writes."""

import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from itertools import count
from time import monotonic
from typing import Any, Protocol, TypeAlias, TypeVar, cast

import psycopg
import sqlalchemy as sa
from attrs import evolve, field, frozen
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from eggypro_adapters.postgres.errors import is_connection_lost, is_retryable, translate_errors

_DIALECT: sa.Dialect = dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
T = TypeVar("T")
Rows: TypeAlias = Iterator[tuple[Any, ...]]
MAX_ATTEMPTS = 3
MAX_IDLE_SECONDS = 30.0
"""Seconds after which a connection that nobody used is replaced."""
STATEMENT_TIMEOUT_MS = 5_000
"""Milliseconds after which a statement of a request is ended."""
RESPONSE_TIMEOUT_SECONDS = 6.0
"""Seconds after which a request gives up a connection that says nothing, not even that it is over.

The server, or what lies on the way, may have stopped dead.
"""
RETRY_WINDOW_SECONDS = 1.0
"""Seconds within which a read must have failed to be tried again."""
SNAPSHOT_BATCH_ROWS = 100
"""Rows of a snapshot that are fetched in one round trip."""
_NO_TIMEOUT = sa.text("SELECT set_config('statement_timeout', '0', true)")
CONNECT_DEFAULTS = {
    "connect_timeout": 10,
    "application_name": "eggypro",
    # A host that is gone says no farewell: nobody is to wait for it for a quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
HISTORY_SQL = (
    "(SELECT oid FROM pg_database WHERE datname = current_database()) || '-'"
    " || CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS bigint)"
)
"""The database and since when its server runs: what the numbers of transactions belong to.

A backup that was put back, or a replica that took over, counts on from an earlier number.
"""
SNAPSHOT_XMIN_SQL = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
"""The number up to which a read that begins now sees every transaction, on a replica too."""
_TRANSACTION_TAGS = (
    f"SELECT {HISTORY_SQL}, CAST(CAST(pg_current_xact_id_if_assigned() AS text) AS bigint),"
    " coalesce(current_setting('eggypro.touched', true), '')"
)
WriteRecorder: TypeAlias = Callable[[str, int, str], None]
"""Is told of a transaction: the history that it is of, its number, and the tags it touched."""


class Connection(psycopg.Connection[Any]):
    """A connection to a server of which no answer takes longer than so many seconds, if any."""

    response_timeout: float | None = RESPONSE_TIMEOUT_SECONDS

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run what talks to the server. Raises OperationalError where that takes too long.

        Then it is closed: half an answer is no state to go on from, not even to roll back.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.response_timeout)
        except psycopg.OperationalError as error:
            if is_connection_lost(error):
                self.close()
            raise


class PoolerCheck(Protocol):
    """Says of a new connection whether a transaction pooler (PgBouncer, Neon) stands before it."""

    def __call__(self, connection: psycopg.Connection[Any]) -> bool:
        """Return True where prepared statements and session settings must not be used."""
        ...


def detect_pooler(connection: psycopg.Connection[Any]) -> bool:
    """Tell a pooler from a server: it gives out process ids of its own making."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid


@frozen
class CompiledStatement:
    """A Core statement compiled once, to be run by psycopg itself with named parameters."""

    sql: str
    _constants: Mapping[str, Any]
    is_prepared: bool = True

    @classmethod
    def compile(cls, core: sa.ClauseElement, *, is_prepared: bool = True) -> "CompiledStatement":
        """Compile it. One that is not prepared gets a plan for its very parameters each time."""
        compiled = core.compile(dialect=_DIALECT)
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), fixed, is_prepared)

    def values(self, given: Mapping[str, object]) -> dict[str, object]:
        """Return all its parameters: those that are given, and the constants written in it."""
        return {**self._constants, **given}


@frozen
class Database:
    """One Postgres, and the connections to it that this process shares.

    Every method may raise UnavailableError.
    """

    engine: sa.Engine = field(repr=False)
    _write_engine: sa.Engine = field(repr=False)
    _snapshot_engine: sa.Engine = field(repr=False)
    _record_write: WriteRecorder = field(repr=False)
    _outage: AbstractContextManager[None] = field(repr=False)

    @classmethod
    def connect(
        cls,
        url: sa.URL | str,
        *,
        size: int = 20,
        pool_timeout: float = 3,
        pooler: PoolerCheck = detect_pooler,
        clock: Callable[[], float] = monotonic,
        record_write: WriteRecorder | None = None,
    ) -> "Database":
        """Return a database whose pool has at most `size` connections. None is opened yet.

        Whoever finds all of them busy waits `patience` seconds for one. `clock` tells seconds: a
        connection that was idle for longer than IDLE is replaced. Each write that shows is `noted`
        before its end.
        """
        engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",  # so that a read is one round trip
            pool_size=size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,  # errors are logged; what people write is not
            pool_use_lifo=True,
            pool_reset_on_return=None,  # autocommit leaves nothing; a transaction ends itself
            connect_args=_connect_defaults(sa.make_url(url)),
        )
        sa.event.listen(engine, "do_connect", _connect)
        sa.event.listen(engine, "connect", _session_setup(pooler))
        sa.event.listen(engine, "checkin", _record_idle_since(clock))
        sa.event.listen(engine, "checkout", _reject_idle(clock))
        return cls(
            engine,
            engine.execution_options(isolation_level="READ COMMITTED"),
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
            record_write or _ignore_write,
            nullcontext(),
        )

    def with_outage(self, outage: AbstractContextManager[None]) -> "Database":
        """Return the same database; all that is asked of it is within a block of the outage."""
        return evolve(self, outage=outage)

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        """Run a SELECT in one round trip; again on a fresh connection if one was lost."""
        with self._outage, translate_errors():
            began = monotonic()
            for _ in range(MAX_ATTEMPTS - 1):
                try:
                    return self._fetch(statement, values)
                except psycopg.OperationalError as error:
                    if not is_connection_lost(error) or monotonic() > began + RETRY_WINDOW_SECONDS:
                        raise
            return self._fetch(statement, values)

    @contextmanager
    def long_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction: committed at the end, rolled back by any exception.

        Its statements may take as long as they take.
        """
        with (
            self._outage,
            translate_errors(),
            self._recorded_transaction() as connection,
            _without_timeout(connection),
        ):
            connection.execute(_NO_TIMEOUT)
            yield connection

    @contextmanager
    def short_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction as `begin` does, of a request: no statement of it may take long."""
        with self._outage, translate_errors(), self._recorded_transaction() as connection:
            yield connection

    def run_transaction(self, work: Callable[[sa.Connection], T]) -> T:
        """Do some work in a transaction, and return what it returns.

        It is begun anew where another transaction got in its way, so it must bear being repeated.
        Raises ConflictError where that happens TRIES times.
        """
        with self._outage, translate_errors():
            for _ in range(MAX_ATTEMPTS - 1):
                try:
                    with self._recorded_transaction() as connection:
                        return work(connection)
                except sa.exc.DBAPIError as error:
                    if not is_retryable(error):
                        raise
            with self._recorded_transaction() as connection:
                return work(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[CompiledStatement, Mapping[str, object]], Rows]]:
        """Give what runs SELECTs that all see one moment; their rows are fetched a few at a time.

        It may take as long as it takes.
        """
        with (
            self._outage,
            translate_errors(),
            self._snapshot_engine.begin() as connection,
            _close_if_interrupted(connection),
            ExitStack() as cursors,
        ):
            cursors.enter_context(_without_timeout(connection))
            connection.execute(_NO_TIMEOUT)
            numbers = count()

            def rows(statement: CompiledStatement, values: Mapping[str, object]) -> Rows:
                found = driver_connection(connection.connection).cursor(
                    f"rows{next(numbers)}", binary=True
                )
                cursor = cursors.enter_context(closing(found))
                cursor.itersize = SNAPSHOT_BATCH_ROWS
                return iter(cursor.execute(statement.sql, statement.values(values)))

            yield rows

    def for_transaction(self, connection: sa.Connection) -> "TransactionDatabase":
        """Return this database as one open transaction sees it, whose end decides on all writes."""
        return TransactionDatabase(
            self.engine,
            self._write_engine,
            self._snapshot_engine,
            self._record_write,
            self._outage,
            connection,
        )

    def ping(self) -> None:
        """Raise UnavailableError unless the database answers."""
        self.fetch(_PING, {})

    def revision(self) -> str | None:
        """Return the migration that the database is at, None where there was none yet."""
        with self._outage, translate_errors(), self.engine.connect() as connection:
            if not connection.scalar(sa.select(sa.func.to_regclass("alembic_version"))):
                return None
            version = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return None if version is None else str(version)

    def busy_connection_count(self) -> int:
        """Return how many connections are at work."""
        return cast("sa.QueuePool", self.engine.pool).checkedout()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _recorded_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction, and note what it touched before it ends.

        Its number is enough for that: no read has seen it while it runs. So there is no moment in
        which it is over and not yet known of, whenever this process is killed.
        """
        with self._write_engine.begin() as connection, _close_if_interrupted(connection):
            yield connection
            if connection.in_transaction():
                touched = (
                    driver_connection(connection.connection).execute(_TRANSACTION_TAGS).fetchone()
                )
                if touched is not None and touched[1] is not None:
                    self._record_write(*touched)

    def _fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        pooled = self.engine.raw_connection()
        try:
            with driver_connection(pooled).cursor(binary=True) as cursor:
                # Not `True`: behind a pooler nothing may be prepared.
                prepare = None if statement.is_prepared else False
                given = statement.values(values)
                return cursor.execute(statement.sql, given, prepare=prepare).fetchall()
        except psycopg.OperationalError as error:
            if is_connection_lost(error):
                pooled.invalidate(error)
            raise
        finally:
            pooled.close()


_PING = CompiledStatement.compile(sa.text("SELECT 1"))


def _ignore_write(_history: str, _number: int, _tags: str) -> None:
    """Take note of nothing: nobody here keeps answers."""


@frozen
class TransactionDatabase(Database):
    """A database within one open transaction: each write is a savepoint, each read sees them."""

    _connection: sa.Connection = field(repr=False)

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        with (
            translate_errors(),
            driver_connection(self._connection.connection).cursor(binary=True) as cursor,
        ):
            return cursor.execute(statement.sql, statement.values(values)).fetchall()

    @contextmanager
    def _recorded_transaction(self) -> Iterator[sa.Connection]:
        with self._connection.begin_nested():
            yield self._connection


def driver_connection(pooled: PoolProxiedConnection) -> Connection:
    """Return the psycopg connection within a pooled one."""
    connection = pooled.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(connection)
    return connection


def _connect_defaults(url: sa.URL) -> dict[str, Any]:
    """Return how to connect, as far as the address does not say it."""
    return {name: value for name, value in CONNECT_DEFAULTS.items() if name not in url.query}


def _connect(_dialect: object, _record: object, given: Any, named: Any) -> Connection:
    return Connection.connect(*given, **named)


@contextmanager
def _without_timeout(connection: sa.Connection) -> Iterator[None]:
    """Wait for each answer as long as it takes."""
    within = driver_connection(connection.connection)
    within.response_timeout = None
    try:
        yield
    finally:
        within.response_timeout = RESPONSE_TIMEOUT_SECONDS


@contextmanager
def _close_if_interrupted(connection: sa.Connection) -> Iterator[None]:
    """Close a connection whose work a signal ended: it may be in the middle of an answer."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as signalled:
        connection.invalidate(signalled)
        raise


def _session_setup(pooler: PoolerCheck) -> Any:
    """Return what makes a new connection ready: nothing that outlives a pooler's transaction."""

    def prepare(connection: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
        if pooler(connection):
            connection.prepare_threshold = None
            return
        connection.prepare_threshold = 2
        connection.execute(
            "SELECT set_config('timezone', 'UTC', false), set_config('jit', 'off', false),"
            " set_config('statement_timeout', %s, false)",
            [str(STATEMENT_TIMEOUT_MS)],
        )

    return prepare


def _record_idle_since(clock: Callable[[], float]) -> Any:
    def note(_: object, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = clock()

    return note


def _reject_idle(clock: Callable[[], float]) -> Any:
    """Return what turns away a connection that was idle too long, or ended meanwhile.

    Something on the way (a firewall, a database that sleeps) may have dropped it without a word.
    """

    def refuse(
        connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        idle_since = record.info.pop("idle_since", None)
        if idle_since is None:
            return  # opened just now: the pool gives up where two in a row are turned away
        if clock() - idle_since > MAX_IDLE_SECONDS:
            raise sa.exc.DisconnectionError("idle for too long")
        _require_alive(connection)

    return refuse


def _require_alive(connection: psycopg.Connection[Any]) -> None:
    """Turn away an idle connection on which the server has said something: its farewell.

    It costs no round trip. The pool then opens another, so a restart of Postgres goes unnoticed.
    """
    if connection.closed:
        raise sa.exc.DisconnectionError("closed")
    ready = select.poll()
    ready.register(connection.fileno(), select.POLLIN)
    if ready.poll(0):
        raise sa.exc.DisconnectionError("the server hung up")
