"""In-memory rate counter of the clients with the latest windows."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from threading import Lock

from eggypro_core.access.rate_limiting import RateLimitPolicy, RateLimitStatus

MAX_CLIENTS = 50_000
"""The number of clients counted for one policy: about 15 MiB."""
Windows = OrderedDict[str, tuple[int, float]]
"""Count and end of the window of each client, oldest window first."""
_CLOSED_WINDOW = (0, float("-inf"))


class MemoryRateCounter:
    """Count by a clock of seconds. Above `max_clients`, the oldest windows are evicted."""

    def __init__(self, clock: Callable[[], float], max_clients: int = MAX_CLIENTS) -> None:
        self._clock = clock
        self._max_clients = max_clients
        self._lock = Lock()
        self._windows: defaultdict[RateLimitPolicy, Windows] = defaultdict(OrderedDict)

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:
        now = self._clock()
        with self._lock:
            windows = self._windows[policy]
            used, ends = windows.get(client, _CLOSED_WINDOW)
            used += count
            if ends > now:
                windows[client] = used, ends
            else:
                used, ends = count, now + policy.window_seconds
                self._open_window(windows, client, (used, ends), now)
        return RateLimitStatus(policy, used, ends - now)

    def get(self, policy: RateLimitPolicy, client: str) -> RateLimitStatus:
        now = self._clock()
        with self._lock:
            used, ends = self._windows[policy].get(client, _CLOSED_WINDOW)
        return RateLimitStatus(policy, used, ends - now) if ends > now else _unused_status(policy)

    def reset(self, policy: RateLimitPolicy, client: str) -> None:
        with self._lock:
            self._windows[policy].pop(client, None)

    def set_status(self, client: str, status: RateLimitStatus) -> None:
        """Set the window of a client to `status`."""
        if not status.used or status.seconds_left <= 0:
            self.reset(status.policy, client)
            return
        now = self._clock()
        with self._lock:
            windows = self._windows[status.policy]
            self._open_window(windows, client, (status.used, now + status.seconds_left), now)

    def list_statuses(self, policy: RateLimitPolicy) -> list[tuple[str, RateLimitStatus]]:
        """Return each client with an open window, and its status."""
        with self._lock:
            clients = list(self._windows[policy])
        statuses = [(client, self.get(policy, client)) for client in clients]
        return [(client, status) for client, status in statuses if status.used]

    def _open_window(
        self, windows: Windows, client: str, window: tuple[int, float], now: float
    ) -> None:
        """Append an open window; evict expired windows and those above the limit."""
        windows[client] = window
        windows.move_to_end(client)
        while len(windows) > self._max_clients or next(iter(windows.values()))[1] <= now:
            windows.popitem(last=False)


def _unused_status(policy: RateLimitPolicy) -> RateLimitStatus:
    return RateLimitStatus(policy, 0, policy.window_seconds)
