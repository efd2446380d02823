"""What happens while a remote thing is away, for all that is asked of it: nobody waits for it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from math import inf
from typing import TypeVar

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.errors import UnavailableError
from eggypro_core.retry_gate import RetryGate

T = TypeVar("T")
RETRY = 0.5
"""The seconds between two attempts to come back."""
_log = logging.getLogger(__name__)


class Breaker:
    """Lets questions through until one fails; then one thread in the background looks after it.

    Who is on the way when it fails waits, briefly, and nobody after them. `come_back` raises
    UnavailableError while it is away. `lost` and `found` tell the log of each outage, once, and the
    `outage` watches all that is asked.
    """

    def __init__(
        self,
        come_back: Callable[[], object],
        *,
        lost: str,
        found: str,
        outage: AbstractContextManager[None] | None = None,
    ) -> None:
        self._come_back = come_back
        self._outage = outage or nullcontext()
        self._lost = lost
        self._found = found
        self._gate = RetryGate(inf)  # no caller retries: the loop does
        self._loop = BackgroundLoop("breaker", self._retry, delay=RETRY)

    @property
    def is_open(self) -> bool:
        """Whether it is away."""
        return self._gate.is_blocked

    def ask(self, question: Callable[[], T]) -> T | None:
        """Return what a question returns, None while it is away."""
        if self._gate.is_blocked:
            return None
        try:
            with self._outage:
                return question()
        except UnavailableError as error:
            if self._gate.block():
                _log.warning("%s %s", self._lost, error)
                self._loop.wake()
            return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """See whether it is there, and look for it while it is not, until the block ends."""
        self.ask(self._come_back)
        try:
            yield
        finally:
            self._loop.stop()
            self._gate.block()

    def _retry(self) -> float | None:
        try:
            with self._outage:
                self._come_back()
        except UnavailableError:
            return RETRY
        _log.info(self._found)
        self._gate.unblock()
        return None
