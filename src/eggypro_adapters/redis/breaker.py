"""What happens while a remote thing is away, for all that is asked of it: nobody waits for it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Lock, Thread
from typing import TypeVar

from eggypro_core.errors import UnavailableError

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
        self._lock = Lock()
        self._is_open = Event()
        self._over = Event()

    @property
    def is_open(self) -> bool:
        """Whether it is away."""
        return self._is_open.is_set()

    def ask(self, question: Callable[[], T]) -> T | None:
        """Return what a question returns, None while it is away."""
        if self._is_open.is_set():
            return None
        try:
            with self._outage:
                return question()
        except UnavailableError as error:
            self._open(error)
            return None

    @contextmanager
    def running(self) -> Iterator[None]:
        """See whether it is there, and then to it that it is found again, until the block ends."""
        self.ask(self._come_back)
        thread = Thread(target=self._run, name="breaker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._over.set()
                self._is_open.set()
            thread.join()

    def _open(self, error: UnavailableError) -> None:
        with self._lock:
            is_first = not self._is_open.is_set()
            self._is_open.set()
        if is_first:
            _log.warning("%s %s", self._lost, error)

    def _run(self) -> None:
        while self._is_open.wait() and not self._over.wait(RETRY):
            try:
                with self._outage:
                    self._come_back()
            except UnavailableError:
                continue
            _log.info(self._found)
            with self._lock:
                if not self._over.is_set():  # or nobody would wake it again
                    self._is_open.clear()
