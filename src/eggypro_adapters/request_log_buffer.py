"""Calls on their way to a store: gathered where they are answered, written behind their backs."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Event, Lock, Thread
from time import monotonic

from eggypro_core.operations.request_metrics import Call, CallStore

MOST = 20_000
"""How many calls wait at most, about ten megabytes: further ones are dropped, and counted."""
BATCH = 2_000
GATHER, RETRY = 0.4, 1.0
"""The seconds for which calls are gathered, and between two attempts while the store is away."""
RETRY_IN_REQUEST = 10.0
"""The same where each attempt keeps the caller of a request waiting."""
CLOSING = 5.0
"""The seconds that the end waits for what is left to be written."""
_log = logging.getLogger(__name__)


class BatchingRecorder:
    """Notes calls in a store, by a thread that begins with the first of them: after any fork.

    With `in_request` there is no thread: each call is written before its answer goes out, for
    platforms that freeze a process between two requests. While the store is away calls are kept,
    up to `most`. What was written when the store's answer was lost may be written once more.
    """

    def __init__(
        self,
        store: CallStore,
        *,
        in_request: bool = False,
        most: int = MOST,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._in_request = in_request
        self._most = most
        self._seconds = seconds
        self._lock = Lock()
        self._writing = Lock()
        self._waiting: deque[Call] = deque()
        self._dropped = 0
        self._is_away = False
        self._retry_at = 0.0
        self._wake = Event()
        self._over = Event()
        self._thread: Thread | None = None

    def record(self, call: Call) -> None:
        with self._lock:
            if len(self._waiting) >= self._most:
                self._dropped += 1
                return
            self._waiting.append(call)
        if self._in_request:
            self._write_now()
        elif not self._wake.is_set():
            self._wake_up()

    def dropped(self) -> int:
        """Return how many calls there was no room for."""
        return self._dropped

    def flush(self) -> bool:
        """Write all that waits by now; return whether it is written."""
        with self._writing:
            left = len(self._waiting)  # not what comes meanwhile: that would be a call at a time
            while batch := self._first(min(left, BATCH)):
                try:
                    self._store.add(batch)
                except Exception as error:  # noqa: BLE001  (the last resort: no call may fail for it)
                    self._failed(error)
                    return False
                self._succeeded(len(batch))
                left -= len(batch)
        return True

    def close(self) -> None:
        """Write what is left, as far as that can be done in CLOSING seconds."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSING)
        if self._waiting:
            _log.warning("The end came before %s calls were noted", len(self._waiting))

    def _write_now(self) -> None:
        if not self._is_away or self._seconds() >= self._retry_at:
            self.flush()

    def _wake_up(self) -> None:
        with self._lock:
            self._wake.set()
            if self._thread is None and not self._over.is_set():
                self._thread = Thread(target=self._run, name="calls", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            self._wake.wait()
            self._over.wait(GATHER)
            self._wake.clear()
            if not self.flush():
                self._over.wait(RETRY)
                self._wake.set()
        self.flush()

    def _first(self, most: int) -> Sequence[Call]:
        with self._lock:
            return tuple(islice(self._waiting, most))

    def _succeeded(self, written: int) -> None:
        with self._lock:
            for _ in range(written):
                self._waiting.popleft()
        if self._is_away:
            self._is_away = False
            _log.info("Calls are noted again; %s were dropped so far", self._dropped)

    def _failed(self, error: Exception) -> None:
        self._retry_at = self._seconds() + RETRY_IN_REQUEST
        if not self._is_away:
            self._is_away = True
            _log.warning("Calls cannot be noted: up to %s are kept. %s", self._most, error)
