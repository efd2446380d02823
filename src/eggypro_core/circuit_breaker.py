"""Circuit breaker for remote services."""

from collections.abc import Callable
from math import inf
from threading import Lock
from time import monotonic


class CircuitBreaker:
    """Block callers after a failure, and let one at a time retry.

    While blocked, one caller is allowed as soon as the block ends, and the next one `retry_seconds`
    after that unless the first one closes the breaker.
    """

    def __init__(self, retry_seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._lock = Lock()
        self._next_retry = -inf
        self.is_open = False  # public attribute: read on every request, cheaper than a call

    def allows(self) -> bool:
        """Return whether the caller may try; while blocked, True admits it as the only retry."""
        if not self.is_open:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_retry:
                return False
            self._next_retry = now + self._retry_seconds
            return True

    def trip(self, seconds: float | None = None) -> bool:
        """Block for `retry_seconds`, or `seconds`; return whether it was not blocked before."""
        with self._lock:
            was_blocked, self.is_open = self.is_open, True
            pause = self._retry_seconds if seconds is None else seconds
            self._next_retry = self._clock() + pause
            return not was_blocked

    def reset(self) -> bool:
        """Allow every caller; return whether it was blocked before."""
        with self._lock:
            was_blocked, self.is_open = self.is_open, False
            self._next_retry = -inf
            return was_blocked
