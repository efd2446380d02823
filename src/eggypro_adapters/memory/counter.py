"""Counts within this process, of the clients whose windows began last."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from threading import Lock

from eggypro_core.access.rate_limiting import Policy, RateLimitStatus

MAX_CLIENTS = 50_000
"""How many clients of a policy are kept: some 15 MiB."""
Windows = OrderedDict[str, tuple[int, float]]
"""What was counted of each client and when their window ends, oldest first."""
_CLOSED_WINDOW = (0, float("-inf"))


class MemoryRateCounter:
    """Counts by a clock of seconds. Of too many clients, it forgets the oldest windows."""

    def __init__(self, clock: Callable[[], float], max_clients: int = MAX_CLIENTS) -> None:
        self._clock = clock
        self._max_clients = max_clients
        self._lock = Lock()
        self._windows: defaultdict[Policy, Windows] = defaultdict(OrderedDict)

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:
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

    def get(self, policy: Policy, client: str) -> RateLimitStatus:
        now = self._clock()
        with self._lock:
            used, ends = self._windows[policy].get(client, _CLOSED_WINDOW)
        return RateLimitStatus(policy, used, ends - now) if ends > now else _unused_status(policy)

    def reset(self, policy: Policy, client: str) -> None:
        with self._lock:
            self._windows[policy].pop(client, None)

    def set_status(self, client: str, status: RateLimitStatus) -> None:
        """Take over where a client stands."""
        if not status.used or status.seconds_left <= 0:
            self.reset(status.policy, client)
            return
        now = self._clock()
        with self._lock:
            windows = self._windows[status.policy]
            self._open_window(windows, client, (status.used, now + status.seconds_left), now)

    def list_statuses(self, policy: Policy) -> list[tuple[str, RateLimitStatus]]:
        """Return where each client stands whose window is open."""
        with self._lock:
            clients = list(self._windows[policy])
        found = [(client, self.get(policy, client)) for client in clients]
        return [(client, standing) for client, standing in found if standing.used]

    def _open_window(
        self, windows: Windows, client: str, window: tuple[int, float], now: float
    ) -> None:
        """Put a window that is open behind all others; let those go that are over or too many."""
        windows[client] = window
        windows.move_to_end(client)
        while len(windows) > self._max_clients or next(iter(windows.values()))[1] <= now:
            windows.popitem(last=False)


def _unused_status(policy: Policy) -> RateLimitStatus:
    return RateLimitStatus(policy, 0, policy.window_seconds)
