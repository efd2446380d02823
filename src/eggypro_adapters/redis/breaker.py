"""Circuit breaker: fails fast while a remote service is down, and reconnects in the background."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import inf
from typing import TypeVar

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import UnavailableError

T = TypeVar("T")
RETRY_INTERVAL_SECONDS = 0.5
"""Seconds between attempts to reconnect."""
_log = logging.getLogger(__name__)


class ReconnectingBreaker:
    """Run operations until one fails; then reject them while a background thread reconnects.

    Only operations that are running at the failure wait for the timeout; later ones fail at once.
    `reconnect` raises UnavailableError while the service is down. `down_message` and `up_message`
    are logged once per outage. `outage` wraps each operation, to detect outages.
    """

    def __init__(
        self,
        reconnect: Callable[[], object],
        *,
        down_message: str,
        up_message: str,
        outage: AbstractContextManager[None] | None = None,
    ) -> None:
        self._reconnect = reconnect
        self._outage = outage or nullcontext()
        self._down_message = down_message
        self._up_message = up_message
        self._circuit_breaker = CircuitBreaker(inf)  # no caller retries: the loop does
        self._loop = BackgroundLoop("breaker", self._retry, delay=RETRY_INTERVAL_SECONDS)

    @property
    def is_open(self) -> bool:
        """Return whether the service is down."""
        return self._circuit_breaker.is_open

    def call(self, operation: Callable[[], T]) -> T | None:
        """Return the result of `operation`; None while the service is down."""
        if self._circuit_breaker.is_open:
            return None
        try:
            with self._outage:
                return operation()
        except UnavailableError as error:
            if self._circuit_breaker.trip():
                _log.warning("%s %s", self._down_message, error)
                self._loop.wake()
            return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Connect now, and reconnect in the background after failures, until the block ends."""
        self.call(self._reconnect)
        try:
            yield
        finally:
            self._loop.stop()
            self._circuit_breaker.trip()

    def _retry(self) -> float | None:
        try:
            with self._outage:
                self._reconnect()
        except UnavailableError:
            return RETRY_INTERVAL_SECONDS
        _log.info(self._up_message)
        self._circuit_breaker.reset()
        return None
