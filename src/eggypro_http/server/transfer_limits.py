"""Limits of slow clients: the time and the rate that a transfer of a body must keep to."""

from collections import deque

from attrs import frozen

_SAMPLE_SECONDS = 1.0


@frozen(kw_only=True)
class TransferLimits:
    """Time and rate that requests and responses must keep to.

    A JSON request and its response may take `json_seconds` in all, without the time of the server.
    Files must come and go at `bytes_per_second` on average over any `window_seconds`, and within
    `file_seconds`.
    """

    json_seconds: float = 30
    bytes_per_second: int = 32 * 1024
    window_seconds: float = 30
    file_seconds: float = 15 * 60

    @property
    def window_bytes(self) -> float:
        """Return the bytes that must be transferred in any window."""
        return self.bytes_per_second * self.window_seconds


class TransferDeadline:
    """The time at which a transfer becomes too slow unless more bytes are transferred.

    Times are seconds of one monotonic clock. Totals are bytes; that at the start is `total`.
    """

    def __init__(self, limits: TransferLimits, start: float, total: int = 0) -> None:
        self._limits = limits
        self._end = start + limits.file_seconds
        self._sample_seconds = min(_SAMPLE_SECONDS, limits.window_seconds / 10)
        self._samples = deque([(start, total)])

    def advance(self, now: float, total: int) -> None:
        """Note that the total is `total` at `now`."""
        enough = total - self._limits.window_bytes
        while self._samples and self._samples[0][1] <= enough:
            self._samples.popleft()
        if not self._samples or now - self._samples[-1][0] >= self._sample_seconds:
            self._samples.append((now, total))

    def seconds(self) -> float:
        """Return the deadline."""
        return min(self._samples[0][0] + self._limits.window_seconds, self._end)
