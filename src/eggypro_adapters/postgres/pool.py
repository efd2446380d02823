"""Connection pool that waits where the server refuses further connections."""

import logging
import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, local
from time import monotonic
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util.queue import Empty, Queue

from eggypro_adapters.postgres.connection_errors import busy_error
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import UnavailableError

REFUSED_RETRY_SECONDS = 0.1
"""Seconds between two attempts to open a connection while the server refuses more of them."""
TURN_SECONDS = 1.0
"""Seconds after which a connection is closed for another process, while a limit is reached."""
MAX_IDLE_SECONDS = 30.0
"""Seconds after which an idle connection is replaced."""
_OPENED_AT, _IDLE_SINCE = "opened_at", "idle_since"
"""Keys of the times at which an entry of the pool was opened and last returned."""


class WaitingPool(sa.QueuePool):
    """Pool whose callers wait for a connection, at its own limit and at that of the server.

    A role, a database and a server have limits that other processes count in too. While one is
    reached, one caller per REFUSED_RETRY_SECONDS tries to connect, and the others wait for a
    connection to be returned. Processes take turns, so that a busy one cannot keep all
    connections to itself. `clock` returns seconds.
    """

    clock: Callable[[], float] = monotonic

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = logging.getLogger(sa.pool.__name__)  # not ours: it logs every checkout
        self._waiting = local()
        self._limit = CircuitBreaker(REFUSED_RETRY_SECONDS)
        self._refusal, self._refused_at = "", 0.0

    def connect(self) -> PoolProxiedConnection:
        """Return a connection. Raises UnavailableError after `timeout` seconds of waiting."""
        deadline = getattr(self._waiting, "deadline", None) or monotonic() + self._timeout
        while True:
            try:
                return super().connect()
            except UnavailableError as error:
                if error.retry_after is None or monotonic() >= deadline:
                    raise

    def connect_until(self, deadline: float, connect: Callable[[], sa.Connection]) -> sa.Connection:
        """Return `connect()`, which waits for a connection until a time of `monotonic`."""
        self._waiting.deadline = deadline
        try:
            return connect()
        finally:
            self._waiting.deadline = None

    def take_idle(self) -> ConnectionPoolEntry | None:
        """Take an idle connection for a read; None if there is none that is usable.

        `put_back` must follow. Both take a third of the time of `connect` and `close`: there is no
        proxy, and no state to reset.
        """
        idle = cast("Queue[ConnectionPoolEntry]", self._pool)
        with idle.mutex:
            if not idle.queue:
                return None
            record = cast("Any", idle.queue.pop())
        is_usable = False
        try:
            _require_usable(record.get_connection(), record, self.clock)
            is_usable = True
        except (sa.exc.DisconnectionError, UnavailableError, psycopg.Error):
            return None
        finally:
            if not is_usable:
                record.close()
                self._dec_overflow()
        return cast("ConnectionPoolEntry", record)

    def put_back(self, record: ConnectionPoolEntry) -> None:
        """Return a connection that was taken by `take_idle`."""
        record.info[_IDLE_SINCE] = self.clock()
        self._do_return_conn(record)

    def close_idle(self) -> None:
        """Close all idle connections: if one was lost, the others probably are lost too."""
        idle = cast("Queue[ConnectionPoolEntry]", self._pool)
        with idle.mutex:
            records = [*idle.queue]
            idle.queue.clear()
        for record in records:
            record.close()
            self._dec_overflow()

    def _do_get(self) -> ConnectionPoolEntry:
        if self._limit.is_open and not self._limit.allows():
            try:
                return self._pool.get(block=True, timeout=REFUSED_RETRY_SECONDS)
            except Empty:
                raise busy_error(self._refusal) from None
        is_new = not self.checkedin()
        try:
            entry = super()._do_get()
        except UnavailableError as error:
            if error.retry_after is not None:
                self._refusal, self._refused_at = str(error), self.clock()
                self._limit.trip()
            raise
        if is_new and self._limit.is_open:
            self._allow_next()
        return entry

    def _allow_next(self) -> None:
        """Let the next caller connect at once, and all of them if the limit was raised."""
        if self.clock() - self._refused_at > TURN_SECONDS:
            self._limit.reset()
        else:
            self._limit.trip(0)

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if record.dbapi_connection is None:  # invalidated: a caller would wait to reconnect it
            self._dec_overflow()
        elif self._limit.is_open and self._is_turn_over(record):
            record.close()
            self._dec_overflow()
        else:
            super()._do_return_conn(record)
            self._close_longest_idle()

    def _is_turn_over(self, record: ConnectionPoolEntry) -> bool:
        """Return whether it is another process's turn. Each process keeps one connection."""
        age = self.clock() - float(record.info[_OPENED_AT])
        return age > TURN_SECONDS and self.size() + self.overflow() > 1

    def _close_longest_idle(self) -> None:
        """Close the connection that has been idle longest, if that is too long.

        Another process may be waiting for it.
        """
        idle = cast("Queue[ConnectionPoolEntry]", self._pool)
        with idle.mutex:
            if not idle.queue or self.clock() - _idle_since(idle.queue[0]) <= MAX_IDLE_SECONDS:
                return
            record = idle.queue.popleft()
        record.close()
        self._dec_overflow()


def track_times(engine: sa.Engine, clock: Callable[[], float]) -> None:
    """Let the WaitingPool of an engine replace connections that were idle for too long."""
    cast("WaitingPool", engine.pool).clock = clock
    sa.event.listen(engine, "connect", _record_time(_OPENED_AT, clock))
    sa.event.listen(engine, "checkin", _record_time(_IDLE_SINCE, clock))
    sa.event.listen(engine, "checkout", _reject_idle(clock))


def _record_time(key: str, clock: Callable[[], float]) -> Any:
    def record_time(_: object, record: ConnectionPoolEntry) -> None:
        record.info[key] = clock()

    return record_time


def _reject_idle(clock: Callable[[], float]) -> Any:
    """Return a listener that rejects connections that were closed or idle for too long.

    A firewall or a suspended database may have dropped an idle connection without closing it.
    """

    def check(
        connection: psycopg.Connection[Any], record: ConnectionPoolEntry, _: PoolProxiedConnection
    ) -> None:
        _require_usable(connection, record, clock)

    return check


def _require_usable(
    connection: psycopg.Connection[Any], record: ConnectionPoolEntry, clock: Callable[[], float]
) -> None:
    idle_since = record.info.pop(_IDLE_SINCE, None)
    if idle_since is None:
        return  # just opened: the pool gives up after rejecting two connections in a row
    if clock() - idle_since > MAX_IDLE_SECONDS:
        raise sa.exc.DisconnectionError("idle for too long")
    _require_alive(connection)


def _require_alive(connection: psycopg.Connection[Any]) -> None:
    """Raise DisconnectionError if an idle connection has unread data: the server has closed it.

    Costs no round trip. The pool then opens another connection, so callers do not notice a restart
    of Postgres.
    """
    if connection.closed:
        raise sa.exc.DisconnectionError("closed")
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise sa.exc.DisconnectionError("closed by the server")


@frozen
class ConnectionShare:
    """A share of the connections of a pool, so that one kind of work cannot take all of them."""

    size: int
    timeout: float
    _free: BoundedSemaphore = field(init=False, repr=False)

    @_free.default
    def _all(self) -> BoundedSemaphore:
        return BoundedSemaphore(self.size)

    @contextmanager
    def connect(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Open a connection of the share, whose engine has a WaitingPool.

        Raises UnavailableError after `timeout` seconds of waiting for the share and a connection.
        """
        deadline = monotonic() + self.timeout
        if not self._free.acquire(timeout=self.timeout):
            raise busy_error()
        try:
            pool = cast("WaitingPool", engine.pool)
            with pool.connect_until(deadline, engine.connect) as connection:
                yield connection
        finally:
            self._free.release()


def _idle_since(record: ConnectionPoolEntry) -> float:
    return float(record.info[_IDLE_SINCE])
