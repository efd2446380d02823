"""BufferedWriter: a recorder of calls that writes them in batches, a little later."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic

from attrs import frozen

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord
from eggypro_core.retry_gate import RetryGate

RETRY_SECONDS, RETRY_IN_REQUEST_SECONDS = 1.0, 10.0
"""How long to wait after a failure; the latter where each attempt delays a response."""
_log = logging.getLogger(__name__)


@frozen
class BufferLimits:
    """How many calls wait at most and are written at once, and for how many seconds they gather.

    `close_seconds` bounds how long `close` waits for the last write: None is as long as it takes.
    """

    waiting: int
    batch: int
    gather_seconds: float
    close_seconds: float | None = None


class BufferedWriter:
    """Buffers calls in memory; a background thread passes them to `write`, in batches.

    Calls that do not fit are dropped and counted. While `write` raises UnavailableError they stay
    in the buffer and are written later: some of them twice if it failed after it wrote. With
    `in_request` there is no thread: each call is written before its response is sent, for platforms
    that freeze a process between two requests. After a write `on_drop` is told how many calls were
    dropped since it was last told.
    """

    def __init__(
        self,
        name: str,
        write: Callable[[Sequence[RequestRecord]], object],
        limits: BufferLimits,
        *,
        in_request: bool = False,
        on_drop: Callable[[int], object] = lambda _: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._write = write
        self._limits = limits
        self._most = limits.waiting
        self._on_drop = on_drop
        self._in_request = in_request
        self._gate = RetryGate(RETRY_IN_REQUEST_SECONDS, clock)
        self._loop = BackgroundLoop(
            name, self._write_waiting, delay=limits.gather_seconds, on_stop=self.flush
        )
        self._waiting: deque[RequestRecord] = deque()
        self._dropping = Lock()
        self._writing = Lock()
        self._dropped = self._reported = 0

    def record(self, request: RequestRecord) -> None:
        if len(self._waiting) >= self._most:
            with self._dropping:
                self._dropped += 1
            return
        self._waiting.append(request)
        if not self._in_request:
            self._loop.wake()
        elif self._gate.allows():
            self.flush()

    def dropped(self) -> int:
        """Return how many calls there was no room for."""
        return self._dropped

    def flush(self) -> bool:
        """Write the calls that wait by now; return whether they are written."""
        with self._writing:
            left = len(self._waiting)  # not those that come meanwhile: each would be a batch
            while left > 0:
                batch = [self._waiting[index] for index in range(min(left, self._limits.batch))]
                if not self._try_to_write(batch):
                    return False
                left -= len(batch)
            if (dropped := self._dropped) > self._reported:
                self._on_drop(dropped - self._reported)
                self._reported = dropped
        return True

    def close(self) -> None:
        """Write the calls that wait, as far as `close_seconds` allow."""
        self._loop.stop(self._limits.close_seconds)
        if self._waiting:
            _log.warning("The end came before %s calls were noted", len(self._waiting))

    def _write_waiting(self) -> float | None:
        return None if self.flush() else RETRY_SECONDS + self._limits.gather_seconds

    def _try_to_write(self, batch: Sequence[RequestRecord]) -> bool:
        try:
            self._write(batch)
        except UnavailableError as error:
            if self._gate.block():
                _log.warning("Calls cannot be noted: up to %s are kept. %s", self._most, error)
            return False
        for _ in batch:
            self._waiting.popleft()
        if self._gate.unblock():
            _log.info("Calls are noted again; %s were dropped so far", self._dropped)
        return True
