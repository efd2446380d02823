"""Counts within this process, of the clients whose windows began last."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from threading import Lock

from eggypro_core.access.rate_limiting import Policy, Standing

MOST = 50_000
"""How many clients of a policy are kept: some 15 MiB."""
Windows = OrderedDict[str, tuple[int, float]]
"""What was counted of each client and when their window ends, oldest first."""
_OVER = (0, float("-inf"))


class MemoryCounter:
    """Counts by a clock of seconds. Of too many clients, it forgets the oldest windows."""

    def __init__(self, clock: Callable[[], float], most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = Lock()
        self._windows: defaultdict[Policy, Windows] = defaultdict(OrderedDict)

    def add(self, policy: Policy, client: str, *, times: int = 1) -> Standing:
        now = self._clock()
        with self._lock:
            windows = self._windows[policy]
            used, ends = windows.get(client, _OVER)
            used += times
            if ends > now:
                windows[client] = used, ends
            else:
                used, ends = times, now + policy.window
                self._begin(windows, client, (used, ends), now)
        return Standing(policy, used, ends - now)

    def read(self, policy: Policy, client: str) -> Standing:
        now = self._clock()
        with self._lock:
            used, ends = self._windows[policy].get(client, _OVER)
        return Standing(policy, used, ends - now) if ends > now else _unused(policy)

    def clear(self, policy: Policy, client: str) -> None:
        with self._lock:
            self._windows[policy].pop(client, None)

    def learn(self, client: str, standing: Standing) -> None:
        """Take over where a client stands."""
        if not standing.used or standing.left <= 0:
            self.clear(standing.policy, client)
            return
        now = self._clock()
        with self._lock:
            windows = self._windows[standing.policy]
            self._begin(windows, client, (standing.used, now + standing.left), now)

    def standings(self, policy: Policy) -> list[tuple[str, Standing]]:
        """Return where each client stands whose window is open."""
        with self._lock:
            clients = list(self._windows[policy])
        found = [(client, self.read(policy, client)) for client in clients]
        return [(client, standing) for client, standing in found if standing.used]

    def _begin(self, windows: Windows, client: str, window: tuple[int, float], now: float) -> None:
        """Put a window that is open behind all others; let those go that are over or too many."""
        windows[client] = window
        windows.move_to_end(client)
        while len(windows) > self._most or next(iter(windows.values()))[1] <= now:
            windows.popitem(last=False)


def _unused(policy: Policy) -> Standing:
    return Standing(policy, 0, policy.window)
