"""RestartingAttachment: an attachment that starts the embedded server again after a kill."""

from pathlib import Path
from threading import Lock

from eggypro_adapters.embedded_postgres import attach, request_session
from eggypro_adapters.embedded_postgres.guardian import CLUSTER_FOLDER
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import UnavailableError, database_unavailable_error

RESTART_TIMEOUT_SECONDS = 5.0
"""Seconds that a connection waits for the server to start again."""
RETRY_SECONDS = 1.0
"""Seconds after a failed start of the server until the next attempt."""
_STARTING_STATE = b"57P03"
"""SQLSTATE of a server that is starting or shutting down."""


class RestartingAttachment:
    """An attachment to the server of a data folder, until it is closed. Thread-safe.

    If both the guardian and the server are killed, no process is left to restart them. `restart`
    then does so, for the first connection that fails.
    """

    def __init__(self, data: Path, timeout: float = RESTART_TIMEOUT_SECONDS) -> None:
        self._data = data
        self._timeout = timeout
        self._attachment = attach(data)
        self._lock = Lock()
        self._circuit_breaker = CircuitBreaker(RETRY_SECONDS)
        self._failure = ""

    @property
    def url(self) -> str:
        """The URL of the database for SQLAlchemy."""
        return self._attachment.url

    def restart(self) -> None:
        """Start the server if it is down, and wait until it accepts connections.

        Concurrent callers share one attempt. After it fails, only one caller waits for the next.
        Raises UnavailableError.
        """
        if not self._lock.acquire(blocking=not self._circuit_breaker.is_open):
            raise database_unavailable_error(self._failure)
        try:
            if _is_down(self._attachment.socket_dir):
                self._start()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Detach from the server."""
        self._attachment.close()

    def _start(self) -> None:
        if not self._circuit_breaker.allows():
            raise database_unavailable_error(self._failure)
        try:
            self._require_database()
            new = attach(self._data, timeout=self._timeout)
        except UnavailableError as error:
            self._failure = str(error)
            self._circuit_breaker.trip()
            raise
        self._circuit_breaker.reset()
        self._attachment.close()
        self._attachment = new

    def _require_database(self) -> None:
        """Raise UnavailableError if the database is missing, instead of creating an empty one.

        Its disk may only be unmounted.
        """
        if not (self._data / CLUSTER_FOLDER).exists():
            raise database_unavailable_error(
                f"The database in {self._data} is missing: mount its disk or restore a backup, or"
                " restart the server to begin with an empty one"
            )


def _is_down(socket_folder: Path) -> bool:
    """Return whether no server listens, or it does not accept connections yet."""
    try:
        response = request_session(socket_folder)
    except OSError:
        return True
    return not response or _STARTING_STATE in response
