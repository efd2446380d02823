"""Connections to Postgres: how they are opened and set up, and how long they wait."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from attrs import define
from psycopg.conninfo import make_conninfo
from sqlalchemy.pool import ConnectionPoolEntry, ManagesConnection

from eggypro_adapters.postgres.connection_errors import connection_error
from eggypro_adapters.postgres.errors import is_connection_lost

STATEMENT_TIMEOUT_MS = 5_000
"""Milliseconds after which Postgres cancels a statement of a request."""
LOCK_TIMEOUT_MS = 1_000
"""Milliseconds after which a request that waits for a lock is refused: 503, to be tried again."""
RESPONSE_TIMEOUT_SECONDS = 6.0
"""Seconds without a response after which a request drops its connection.

The server or the network may hang without closing the connection.
"""
CONNECT_DEFAULTS = {
    "connect_timeout": 10,
    "application_name": "eggypro",
    # A host that disappears closes no connection: TCP would wait for a quarter of an hour.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}


class Connection(psycopg.Connection[Any]):
    """Connection that waits at most `response_timeout` seconds for each response of the server."""

    response_timeout: float = RESPONSE_TIMEOUT_SECONDS
    allows_long_statements: bool = False
    """Whether it waits beyond the timeout while the server accepts other connections."""
    _reader: psycopg.Cursor[Any] | None = None

    def read(
        self, sql: str, values: Mapping[str, object], *, is_prepared: bool
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT. All reads share one cursor, which caches its loaders."""
        if self._reader is None:
            self._reader = self.cursor(binary=True)
        # Not `True`: behind a pooler nothing may be prepared.
        return self._reader.execute(sql, values, prepare=None if is_prepared else False).fetchall()

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Run an exchange with the server. Raises OperationalError after the timeout.

        The connection is then closed: after half a response it cannot even be rolled back.
        """
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        while True:
            try:
                return super().wait(gen, interval, self.response_timeout)
            except psycopg.errors._WaitTimeout:  # noqa: SLF001  (has no public name)
                if not (self.allows_long_statements and self._server_accepts_connections()):
                    self.close()
                    raise psycopg.OperationalError("it does not respond") from None
            except psycopg.OperationalError as error:
                if is_connection_lost(error):
                    self.close()
                raise

    def _server_accepts_connections(self) -> bool:
        """Return whether the server responds to a new connection. A refusal is a response.

        A pooler responds in its place, and must have timeouts of its own for a silent server.
        """
        conninfo = make_conninfo(self.info.dsn, password=self.info.password)
        try:
            psycopg.connect(conninfo).close()
        except psycopg.OperationalError as error:
            return not isinstance(error, psycopg.errors.ConnectionTimeout)
        return True


class PoolerCheck(Protocol):
    """Detect a transaction pooler (PgBouncer, Neon) in front of a new connection."""

    def __call__(self, connection: psycopg.Connection[Any]) -> bool:
        """Return True if prepared statements and session settings must not be used."""
        ...


def detect_pooler(connection: psycopg.Connection[Any]) -> bool:
    """Return whether a pooler is in front of the server: it reports process ids of its own."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row is None or row[0] != connection.info.backend_pid


def driver_connection(pooled: ManagesConnection) -> Connection:
    """Return the psycopg connection of a pooled connection."""
    connection = pooled.driver_connection
    if not isinstance(connection, Connection):
        raise TypeError(connection)
    return connection


def connect_defaults(url: sa.URL) -> dict[str, Any]:
    """Return the CONNECT_DEFAULTS that the URL does not set."""
    return {name: value for name, value in CONNECT_DEFAULTS.items() if name not in url.query}


@define
class Connector:
    """Opens connections, and names the setting with their URL if that fails."""

    setting: str = "POSTGRES_URL"
    restart_server: Callable[[], object] | None = None
    """Called if a connection cannot be opened, before a second attempt."""

    def connect(self, _dialect: object, _record: object, args: Any, kwargs: Any) -> Connection:
        """Open a connection. Raises UnavailableError with the reason if it fails."""
        if self.restart_server is not None:
            with suppress(psycopg.OperationalError):
                return Connection.connect(*args, **kwargs)
            self.restart_server()
        try:
            return Connection.connect(*args, **kwargs)
        except psycopg.Error as error:
            raise connection_error(error, kwargs, setting=self.setting) from error


def session_setup(pooler: PoolerCheck) -> Any:
    """Return a listener that sets up new connections; behind a pooler it sets no session state."""

    def prepare(connection: psycopg.Connection[Any], _: ConnectionPoolEntry) -> None:
        if pooler(connection):
            connection.prepare_threshold = None
            return
        connection.prepare_threshold = 2
        connection.execute(
            "SELECT set_config('timezone', 'UTC', false), set_config('jit', 'off', false),"
            " set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false)",
            [str(STATEMENT_TIMEOUT_MS), str(LOCK_TIMEOUT_MS)],
        )

    return prepare


@contextmanager
def allow_long_statements(connection: sa.Connection) -> Iterator[None]:
    """Wait for each response without limit while the server accepts other connections."""
    driver = driver_connection(connection.connection)
    driver.allows_long_statements = True
    try:
        yield
    finally:
        driver.allows_long_statements = False


@contextmanager
def close_if_unusable(connection: sa.Connection) -> Iterator[None]:
    """Close a connection that cannot be rolled back.

    It is lost, or a signal has interrupted it, perhaps in the middle of a response.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as interrupt:
        connection.invalidate(interrupt)
        raise
    except psycopg.OperationalError as error:
        if is_connection_lost(error):
            connection.invalidate(error)
        raise
