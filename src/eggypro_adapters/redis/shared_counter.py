"""Counts that workers share, and what each does alone while Redis is away."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol, TypeVar

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_adapters.redis.breaker import Breaker
from eggypro_core.access.rate_limiting import Policy, RateCounter, RateLimitStatus

T = TypeVar("T")
SETTLE = 0.05
"""The seconds for which counts are gathered."""
MOST = 50_000
"""How many clients are remembered as unsettled."""


class RemoteCounter(RateCounter, Protocol):
    """A counter that can be away."""

    def ping(self) -> None:
        """Raise UnavailableError if it is away."""
        ...


class LocalCounter(RateCounter, Protocol):
    """A counter that never is, and can be told how things stand."""

    def set_status(self, client: str, status: RateLimitStatus) -> None:
        """Take over where a client stands."""
        ...

    def list_statuses(self, policy: Policy) -> list[tuple[str, RateLimitStatus]]:
        """Return where each client stands whose window is open."""
        ...


class SharedCounter:
    """Counts in a remote counter; a local one keeps what this process was told by it.

    An exact policy is counted there at once. Any other is counted here and settled in the
    background, so that nobody waits for it. While the remote one is away all is counted here
    alone: reads stay open, and who guesses credentials is locked. Who notices first waits, briefly.
    When it is back it is told of exact policies what it missed, in case it forgot all.
    """

    def __init__(
        self,
        remote: RemoteCounter,
        local: LocalCounter,
        outage: AbstractContextManager[None] | None = None,
    ) -> None:
        self._remote = remote
        self._local = local
        self._lock = Lock()
        self._unsettled: dict[tuple[Policy, str], int] = {}
        self._exact: set[Policy] = set()
        self._breaker = Breaker(
            self._come_back,
            lost="Every worker counts requests on its own.",
            found="The workers count requests together again",
            outage=outage,
        )
        self._loop = BackgroundLoop("limits", self._settle, delay=SETTLE, on_stop=self._settle)

    @contextmanager
    def running(self) -> Iterator[RateCounter]:
        """Settle in the background, until the end of the block."""
        with self._breaker.running():
            try:
                yield self
            finally:
                self._loop.stop()

    def increment(self, policy: Policy, client: str, *, count: int = 1) -> RateLimitStatus:
        if policy.is_exact:
            return self._exactly(
                policy, client, lambda it: it.increment(policy, client, count=count)
            )
        key = policy, client
        with self._lock:
            if key in self._unsettled or len(self._unsettled) < MOST:
                self._unsettled[key] = self._unsettled.get(key, 0) + count
            standing = self._local.increment(policy, client, count=count)
        self._loop.wake()
        return standing

    def get(self, policy: Policy, client: str) -> RateLimitStatus:
        if policy.is_exact:
            return self._exactly(policy, client, lambda it: it.get(policy, client))
        return self._local.get(policy, client)

    def reset(self, policy: Policy, client: str) -> None:
        with self._lock:
            self._unsettled.pop((policy, client), None)
            self._local.reset(policy, client)
        self._ask(lambda remote: remote.reset(policy, client))

    def _exactly(
        self, policy: Policy, client: str, question: Callable[[RateCounter], RateLimitStatus]
    ) -> RateLimitStatus:
        self._exact.add(policy)
        standing = self._ask(question)
        if standing is None:
            return question(self._local)
        self._local.set_status(client, standing)
        return standing

    def _ask(self, question: Callable[[RemoteCounter], T]) -> T | None:
        """Return what the remote counter says, None while it is away."""
        return self._breaker.ask(lambda: question(self._remote))

    def _settle(self) -> None:
        if self._breaker.is_open:
            return
        with self._lock:
            unsettled, self._unsettled = self._unsettled, {}
        for (policy, client), times in unsettled.items():
            self._settle_one(policy, client, times)

    def _settle_one(self, policy: Policy, client: str, times: int) -> None:
        current = min(times, self._local.get(policy, client).used)  # not what a former window had
        if not current:
            return
        standing = self._ask(lambda remote: remote.increment(policy, client, count=current))
        if standing is None:  # nobody knows whether it was counted: better too few than twice
            return
        with self._lock:
            since = self._unsettled.get((policy, client), 0)
            self._local.set_status(
                client, RateLimitStatus(policy, standing.used + since, standing.seconds_left)
            )

    def _come_back(self) -> None:
        self._remote.ping()
        for policy in tuple(self._exact):
            for client, standing in self._local.list_statuses(policy):
                self._tell(client, standing)
        self._loop.wake()

    def _tell(self, client: str, standing: RateLimitStatus) -> None:
        missed = standing.used - self._remote.get(standing.policy, client).used
        if missed > 0:
            self._remote.increment(standing.policy, client, count=missed)
