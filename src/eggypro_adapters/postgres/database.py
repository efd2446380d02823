"""Connection pool, reads in one round trip, and transactions in Postgres."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from itertools import count
from time import monotonic
from typing import Any, TypeAlias, TypeVar, cast

import psycopg
import sqlalchemy as sa
from attrs import evolve, field, fields, frozen
from sqlalchemy.dialects.postgresql import psycopg as dialect
from sqlalchemy.pool import ManagesConnection

from eggypro_adapters.postgres.connection import (
    Connector,
    PoolerCheck,
    allow_long_statements,
    close_if_unusable,
    connect_defaults,
    detect_pooler,
    driver_connection,
    session_setup,
)
from eggypro_adapters.postgres.errors import is_connection_lost, is_retryable, translate_errors
from eggypro_adapters.postgres.event_writer import (
    APPEND_CTE,
    COMPLETE_CTE,
    begin_events,
    pending_events,
)
from eggypro_adapters.postgres.pool import ConnectionShare, WaitingPool, track_times
from eggypro_core.domain.origin import Origin

_DIALECT: sa.Dialect = dialect.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
T = TypeVar("T")
D = TypeVar("D", bound="Database")
Rows: TypeAlias = Iterator[tuple[Any, ...]]
MAX_ATTEMPTS = 3
RETRY_WINDOW_SECONDS = 4.0
"""Seconds within which a read must have failed to be retried."""
SNAPSHOT_BATCH_ROWS = 100
"""Rows of a snapshot fetched in one round trip."""
_NO_TIMEOUT, _NO_SESSION_TIMEOUT = (
    sa.text(
        f"SELECT set_config('statement_timeout', '0', {is_local}),"
        f" set_config('lock_timeout', '0', {is_local})"
    )
    for is_local in ("true", "false")
)
_DUMP_SETTINGS = (
    "statement_timeout = 0",
    "lock_timeout = 0",
    "datestyle = ISO",
    "extra_float_digits = 1",
)
"""Settings of dumps: no timeouts, and values that any other server reads back unchanged."""
HISTORY_SQL = (
    "(SELECT oid FROM pg_database WHERE datname = current_database()) || '-'"
    " || CAST(extract(epoch FROM pg_postmaster_start_time()) * 1000000 AS bigint)"
)
"""The database and the start time of its server: the history that transaction numbers belong to.

A restored backup or a promoted replica continues from an earlier number.
"""
SNAPSHOT_XMIN_SQL = "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
"""The transaction number below which a read that begins now sees every transaction.

Holds on a replica too.
"""
_TRANSACTION_TAGS = (
    f"SELECT {HISTORY_SQL}, CAST(CAST(pg_current_xact_id_if_assigned() AS text) AS bigint),"
    " coalesce(current_setting('eggypro.touched', true), '')"
)
_APPEND_EVENTS, _COMPLETE_BATCH = (
    f"{statement} {_TRANSACTION_TAGS}, (SELECT id FROM batch)"
    for statement in (APPEND_CTE, COMPLETE_CTE)
)
WriteRecorder: TypeAlias = Callable[[str, int, str], None]
"""Called with the history of a transaction, its number, and the tags it touched."""


@frozen
class CompiledStatement:
    """Core statement compiled once, run by psycopg with named parameters."""

    sql: str
    _constants: Mapping[str, Any]
    is_prepared: bool = True

    @classmethod
    def compile(cls, core: sa.ClauseElement, *, is_prepared: bool = True) -> "CompiledStatement":
        """Compile a Core statement. Unprepared, it is planned for its parameters on each run."""
        compiled = core.compile(dialect=_DIALECT)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return cls(str(compiled), constants, is_prepared)

    def values(self, parameters: Mapping[str, object]) -> dict[str, object]:
        """Return `parameters` together with the constants of the statement."""
        return {**self._constants, **parameters}


def fetch_rows(
    connection: sa.Connection, statement: CompiledStatement, values: Mapping[str, object]
) -> Sequence[tuple[Any, ...]]:
    """Run a SELECT in the transaction of a connection, with the row conversion of psycopg."""
    with driver_connection(connection.connection).cursor(binary=True) as cursor:
        return cursor.execute(statement.sql, statement.values(values)).fetchall()


@frozen
class Database:
    """A Postgres database and this process's pool of connections to it.

    Any method may raise UnavailableError.
    """

    engine: sa.Engine = field(repr=False)
    _write_engine: sa.Engine = field(repr=False)
    _snapshot_engine: sa.Engine = field(repr=False)
    _connector: Connector = field(repr=False)
    _record_write: WriteRecorder = field(repr=False)
    _outage: AbstractContextManager[None] = field(repr=False)
    _transactions: ConnectionShare = field(repr=False)
    origin: Origin = field(repr=False)
    """The origin of writes outside of `writing_as`."""

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
        """Return a database whose pool has at most `size` connections. Opens none yet.

        If all of them are busy, or the server refuses another one because of its limits, wait
        `pool_timeout` seconds for one. A connection idle for more than MAX_IDLE_SECONDS by `clock`
        (in seconds) is replaced. `record_write` is called for each transaction that writes, before
        its commit.
        """
        engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",  # so that a read is one round trip
            poolclass=WaitingPool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            hide_parameters=True,  # errors are logged, user input must not be
            pool_use_lifo=True,
            pool_reset_on_return=None,  # nothing to reset: autocommit, or a finished transaction
            connect_args=connect_defaults(sa.make_url(url)),
        )
        connector = Connector()
        sa.event.listen(engine, "do_connect", connector.connect)
        sa.event.listen(engine, "connect", session_setup(pooler))
        track_times(engine, clock)
        return cls(
            engine,
            engine.execution_options(isolation_level="READ COMMITTED"),
            engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
            connector,
            record_write or _ignore_write,
            nullcontext(),
            ConnectionShare(size, pool_timeout),
            Origin(),
        )

    def restart_server_with(self, restart_server: Callable[[], object]) -> None:
        """Call `restart_server` if a connection cannot be opened, then try once more."""
        self._connector.restart_server = restart_server

    def name_setting(self, setting: str) -> None:
        """Name a setting in errors of connections, instead of POSTGRES_URL."""
        self._connector.setting = setting

    def with_outage(self, outage: AbstractContextManager[None]) -> "Database":
        """Return the same database; each operation runs within `outage`."""
        return evolve(self, outage=outage)

    def with_origin(self, origin: Origin) -> "Database":
        """Return the same database; `origin` is that of writes outside of `writing_as`."""
        return evolve(self, origin=origin)

    def with_share(self, size: int) -> "Database":
        """Return the same database with at most `size` transactions at a time; others wait.

        The other connections are free for reads, and for databases with a share of their own.
        """
        return evolve(self, transactions=evolve(self._transactions, size=size))

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        """Run a SELECT in one round trip; retry it on a fresh connection if one is lost."""
        with self.watch():
            deadline = monotonic() + RETRY_WINDOW_SECONDS
            for _ in range(MAX_ATTEMPTS - 1):
                try:
                    return self._fetch(statement, values)
                except psycopg.OperationalError as error:
                    if not is_connection_lost(error) or monotonic() > deadline:
                        raise
            return self._fetch(statement, values)

    @contextmanager
    def long_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction without timeouts: committed at the end, rolled back on any exception.

        For imports and migrations.
        """
        with self.watch(), ExitStack() as stack:
            before = stack.enter_context(ExitStack())
            connection = stack.enter_context(self._recorded_transaction())
            # Until after the commit, which may take long too.
            before.enter_context(allow_long_statements(connection))
            connection.execute(_NO_TIMEOUT)
            yield connection

    @contextmanager
    def session(self) -> Iterator[sa.Connection | None]:
        """Open a connection without transactions and timeouts; its session ends with it.

        None behind a pooler, which has no sessions.
        """
        with self.watch(), self._transactions.connect(self.engine) as connection:
            if driver_connection(connection.connection).prepare_threshold is None:
                yield None
                return
            try:
                with allow_long_statements(connection):
                    connection.execute(_NO_SESSION_TIMEOUT)
                    yield connection
            finally:
                connection.invalidate()

    @contextmanager
    def short_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction of a request: like `long_transaction`, with statement timeouts."""
        with self.watch(), self._recorded_transaction() as connection:
            yield connection

    def run_transaction(self, work: Callable[[sa.Connection], T]) -> T:
        """Return the result of `work`, run in a transaction.

        `work` must be repeatable: it runs again after a serialization failure or a deadlock. Raises
        ConflictError after MAX_ATTEMPTS of them, and UnavailableError after LOCK_TIMEOUT_MS of
        waiting for a lock.
        """
        with self.watch():
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
        """Provide a function that runs SELECTs, all on the same snapshot.

        Rows are fetched SNAPSHOT_BATCH_ROWS at a time. Without timeouts.
        """
        with (
            self.watch(),
            self._transactions.connect(self._snapshot_engine) as connection,
            connection.begin(),
            close_if_unusable(connection),
            ExitStack() as cursors,
        ):
            cursors.enter_context(allow_long_statements(connection))
            connection.execute(_NO_TIMEOUT)
            cursor_numbers = count()

            def rows(statement: CompiledStatement, values: Mapping[str, object]) -> Rows:
                driver = driver_connection(connection.connection)
                cursor = cursors.enter_context(
                    closing(driver.cursor(f"rows{next(cursor_numbers)}", binary=True))
                )
                cursor.itersize = SNAPSHOT_BATCH_ROWS
                return iter(cursor.execute(statement.sql, statement.values(values)))

            yield rows

    @contextmanager
    def read_transaction(self, tables: Sequence[str]) -> Iterator[sa.Connection]:
        """Open a read-only transaction of one snapshot, without timeouts, for dumps.

        The snapshot is taken after a lock on `tables`, which a migration or a restore would change.
        """
        with (
            self.watch(),
            self._snapshot_engine.begin() as connection,
            close_if_unusable(connection),
            allow_long_statements(connection),
        ):
            for setting in _DUMP_SETTINGS:  # a SELECT would take the snapshot
                connection.execute(sa.text(f"SET LOCAL {setting}"))
            names = ", ".join(f'"{table}"' for table in tables)
            connection.execute(sa.text(f"LOCK TABLE {names} IN ACCESS SHARE MODE"))
            yield connection

    def for_transaction(self, connection: sa.Connection) -> "TransactionDatabase":
        """Return this database in an open transaction, which commits or rolls back all writes."""
        return self.extend(TransactionDatabase, connection)

    def extend(self, subclass: Callable[..., D], *own_fields: object) -> D:
        """Return this database as an instance of a subclass with fields of its own."""
        return subclass(*(getattr(self, item.name) for item in fields(Database)), *own_fields)

    def ping(self) -> None:
        """Raise UnavailableError unless the database responds."""
        self.fetch(_PING, {})

    def revision(self) -> str | None:
        """Return the revision of the latest applied migration, None if there is none."""
        with self.watch(), self.engine.connect() as connection:
            if not connection.scalar(sa.select(sa.func.to_regclass("alembic_version"))):
                return None
            version = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return None if version is None else str(version)

    def busy_connection_count(self) -> int:
        """Return the number of connections in use."""
        return self._pool.checkedout()

    def max_connection_count(self) -> int:
        """Return the number of connections that may be in use at once."""
        return self._pool.size()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @property
    def role(self) -> str | None:
        """The role that connects; None if the URL names none."""
        return self.engine.url.username

    @property
    def _pool(self) -> WaitingPool:
        return cast("WaitingPool", self.engine.pool)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Translate the errors of the driver, and report outages."""
        with self._outage, translate_errors(self.role):
            yield

    @contextmanager
    def _recorded_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction; append its events and record its number and tags before it commits.

        Recording before the commit is safe, since no read sees the transaction while it runs. A
        committed write is therefore always recorded, whenever this process is killed.
        """
        with (
            self._transactions.connect(self._write_engine) as connection,
            connection.begin(),
            close_if_unusable(connection),
        ):
            events = begin_events(connection, self.origin)
            yield connection
            if connection.in_transaction():
                driver, values = driver_connection(connection.connection), events.values()
                if values is None:
                    statement = _TRANSACTION_TAGS
                else:
                    statement = _APPEND_EVENTS if events.batch_id is None else _COMPLETE_BATCH
                [(history, number, tags, *batch_ids)] = driver.execute(statement, values).fetchall()
                if number is not None:
                    self._record_write(history, number, tags)
                if batch_ids:
                    events.note_batch(*batch_ids)

    def _fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        connection = self._pool.take_idle()
        if connection is None:
            with closing(self.engine.raw_connection()) as opened:
                return self._read(opened, statement, values)
        try:
            return self._read(connection, statement, values)
        finally:
            self._pool.put_back(connection)

    def _read(
        self,
        connection: ManagesConnection,
        statement: CompiledStatement,
        values: Mapping[str, object],
    ) -> Sequence[tuple[Any, ...]]:
        try:
            return driver_connection(connection).read(
                statement.sql, statement.values(values), is_prepared=statement.is_prepared
            )
        except psycopg.OperationalError as error:
            if is_connection_lost(error):
                connection.invalidate(error)
                self._pool.close_idle()
            raise


_PING = CompiledStatement.compile(sa.text("SELECT 1"))


def _ignore_write(_history: str, _number: int, _tags: str) -> None:
    """Record nothing: this process has no response cache."""


@frozen
class TransactionDatabase(Database):
    """Database within one open transaction: writes are savepoints, and reads see them."""

    _connection: sa.Connection = field(repr=False)

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        with translate_errors(self.role):
            return fetch_rows(self._connection, statement, values)

    @contextmanager
    def _recorded_transaction(self) -> Iterator[sa.Connection]:
        events = pending_events(self._connection)
        with events.savepoint(), self._connection.begin_nested():
            yield self._connection
            events.begin_batch(self._connection)
