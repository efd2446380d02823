"""AccessLog: a line for each call, written a little later by a thread of its own."""

import logging
from collections import deque
from collections.abc import Iterator
from threading import Event, Lock, Thread

from eggypro_adapters.logs.lines import Lines
from eggypro_adapters.logs.rendering import Rendered
from eggypro_core.operations.request_metrics import Call

GATHER = 0.1
"""The seconds for which calls are gathered."""
MOST = 50_000
"""How many calls wait to be written at most: what comes while nobody reads is not noted."""
_AT_ONCE = 1_000
_FAILED = 500
_log = logging.getLogger(__name__)


class AccessLog:
    """Notes each call, and writes it when there is time. Its thread begins with the first call.

    `in_request` there is no thread: it writes each at once.
    """

    def __init__(self, lines: Lines, rendered: Rendered, *, in_request: bool = False) -> None:
        self._lines = lines
        self._rendered = rendered
        self._in_request = in_request
        self._calls: deque[Call] = deque()
        self._dropped = 0
        self._wake = Event()
        self._over = Event()
        self._starting = Lock()
        self._writing = Lock()
        self._thread: Thread | None = None

    def record(self, call: Call) -> None:
        if len(self._calls) >= MOST:
            self._dropped += 1
            return
        self._calls.append(call)
        if self._in_request:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def dropped(self) -> float:
        """Return how many calls were not noted."""
        return self._dropped

    def flush(self) -> None:
        """Write all that waits by now."""
        with self._writing:
            left = len(self._calls)
            while left > 0:
                self._lines.write("".join(self._taken(min(left, _AT_ONCE))))
                left -= _AT_ONCE

    def close(self) -> None:
        """Write all that is left."""
        self._over.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = Thread(target=self._run, name="access log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        told = 0
        while not self._over.is_set():
            self._wake.wait()
            self._over.wait(GATHER)
            self._wake.clear()
            self.flush()
            if (dropped := self._dropped) > told:
                _log.warning("%d requests are not in this log: it took no more", dropped - told)
                told = dropped

    def _taken(self, count: int) -> Iterator[str]:
        """Give the lines of the next calls; of those only that are serious enough."""
        for _ in range(count):
            call = self._calls.popleft()
            level = logging.ERROR if call.status >= _FAILED else logging.INFO
            yield f"{self._rendered(_event(call, level))}\n" if _log.isEnabledFor(level) else ""


def _event(call: Call, level: int) -> dict[str, object]:
    return {
        "timestamp": call.at,
        "level": "info" if level == logging.INFO else "error",
        "logger": __name__,
        "event": "request",
        "method": call.method,
        "route": call.endpoint,
        "status": call.status,
        "ms": round(call.milliseconds, 2),
        "network": call.network,
        "request_id": call.request_id,
    }
