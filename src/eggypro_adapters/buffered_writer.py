"""BufferedWriter: a request recorder that writes in batches, in the background."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic

from attrs import frozen

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_core.circuit_breaker import CircuitBreaker
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.request_metrics import RequestRecord

RETRY_SECONDS, RETRY_IN_REQUEST_SECONDS = 1.0, 10.0
"""Seconds between retries; the second applies to `in_request`, where a retry delays a response."""
_log = logging.getLogger(__name__)


@frozen
class BufferLimits:
    """The limits of a buffer: its size, the size of a batch, and the seconds between batches.

    `close_timeout_seconds` limits how long `close` waits for the last write; None is no limit.
    """

    max_records: int
    max_batch: int
    delay_seconds: float
    close_timeout_seconds: float | None = None


class BufferedWriter:
    """Buffer request records in memory; a background thread passes them to `write` in batches.

    Records that do not fit are dropped and counted. While `write` raises UnavailableError, records
    stay in the buffer and are retried: some are written twice if `write` failed after writing.
    With `in_request` there is no thread: each record is written before its response is sent, for
    platforms that freeze a process between requests. After a write, `on_drop` gets the number of
    records dropped since its last call.
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
        self._on_drop = on_drop
        self._in_request = in_request
        self._circuit_breaker = CircuitBreaker(RETRY_IN_REQUEST_SECONDS, clock)
        self._loop = BackgroundLoop(
            name, self._write_records, delay=limits.delay_seconds, on_stop=self.flush
        )
        self._records: deque[RequestRecord] = deque()
        self._drop_lock = Lock()
        self._write_lock = Lock()
        self._dropped = self._reported_drops = 0

    def record(self, request: RequestRecord) -> None:
        if len(self._records) >= self._limits.max_records:
            with self._drop_lock:
                self._dropped += 1
            return
        self._records.append(request)
        if not self._in_request:
            self._loop.wake()
        elif self._circuit_breaker.allows():
            self.flush()

    def dropped(self) -> int:
        """Return the number of records dropped because the buffer was full."""
        return self._dropped

    def flush(self) -> bool:
        """Write the records buffered so far; return whether that succeeded."""
        size = self._limits.max_batch
        with self._write_lock:
            remaining = len(self._records)  # later ones would make batches of one record each
            while remaining > 0:
                batch = [self._records[index] for index in range(min(remaining, size))]
                if not self._try_write(batch):
                    return False
                remaining -= len(batch)
            if (dropped := self._dropped) > self._reported_drops:
                self._on_drop(dropped - self._reported_drops)
                self._reported_drops = dropped
        return True

    def close(self) -> None:
        """Write the buffered records, for at most `close_timeout_seconds`."""
        self._loop.stop(self._limits.close_timeout_seconds)
        if self._in_request:  # there is no thread that flushes
            self.flush()
        if self._records:
            _log.warning("Shutdown: %s request records were not written", len(self._records))

    def _write_records(self) -> float | None:
        return None if self.flush() else RETRY_SECONDS + self._limits.delay_seconds

    def _try_write(self, batch: Sequence[RequestRecord]) -> bool:
        try:
            self._write(batch)
        except UnavailableError as error:
            if self._circuit_breaker.trip():
                _log.warning(
                    "Cannot write request records: buffering up to %s. %s",
                    self._limits.max_records,
                    error,
                )
            return False
        for _ in batch:
            self._records.popleft()
        if self._circuit_breaker.reset():
            _log.info("Request records are written again; %s dropped so far", self._dropped)
        return True
