"""Rate counter shared by the workers, with a local fallback while Redis is down."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol, TypeVar

from eggypro_adapters.background_loop import BackgroundLoop
from eggypro_adapters.redis.breaker import ReconnectingBreaker
from eggypro_core.access.rate_limiting import RateCounter, RateLimitPolicy, RateLimitStatus

T = TypeVar("T")
FLUSH_DELAY_SECONDS = 0.05
"""Seconds for which local counts accumulate before they are sent."""
MAX_PENDING_CLIENTS = 50_000
"""Limit of clients whose counts are not yet sent."""


class RemoteRateCounter(RateCounter, Protocol):
    """A counter that can be unavailable."""

    def ping(self) -> None:
        """Raise UnavailableError if it is down."""
        ...


class LocalRateCounter(RateCounter, Protocol):
    """A counter that is always available, and whose counts can be set."""

    def set_status(self, client: str, status: RateLimitStatus) -> None:
        """Replace the status of a client."""
        ...

    def list_statuses(self, policy: RateLimitPolicy) -> list[tuple[str, RateLimitStatus]]:
        """Return the status of each client with an open window."""
        ...


class SharedRateCounter:
    """Count in a remote counter and in a local copy of it.

    Exact policies are counted remotely at once. All others are counted locally and sent in the
    background, so that no request waits for it. While the remote counter is down, everything is
    counted locally: reads stay open, and guessing credentials stays limited. Only requests that
    are running when it fails wait for the timeout. After a reconnect it gets the counts of exact
    policies that it missed, in case it lost all data.
    """

    def __init__(
        self,
        remote: RemoteRateCounter,
        local: LocalRateCounter,
        outage: AbstractContextManager[None] | None = None,
    ) -> None:
        self._remote = remote
        self._local = local
        self._lock = Lock()
        self._pending: dict[tuple[RateLimitPolicy, str], int] = {}
        self._exact: set[RateLimitPolicy] = set()
        self._breaker = ReconnectingBreaker(
            self._reconnect,
            down_message="Each worker counts requests on its own.",
            up_message="The workers count requests together again",
            outage=outage,
        )
        self._loop = BackgroundLoop(
            "limits", self._flush, delay=FLUSH_DELAY_SECONDS, on_stop=self._flush
        )

    @contextmanager
    def running(self) -> Iterator[RateCounter]:
        """Send counts in the background, until the block ends."""
        with self._breaker.running():
            try:
                yield self
            finally:
                self._loop.stop()

    def increment(self, policy: RateLimitPolicy, client: str, *, count: int = 1) -> RateLimitStatus:
        if policy.is_exact:
            return self._count_exactly(
                policy, client, lambda counter: counter.increment(policy, client, count=count)
            )
        key = policy, client
        with self._lock:
            if key in self._pending or len(self._pending) < MAX_PENDING_CLIENTS:
                self._pending[key] = self._pending.get(key, 0) + count
            status = self._local.increment(policy, client, count=count)
        self._loop.wake()
        return status

    def get(self, policy: RateLimitPolicy, client: str) -> RateLimitStatus:
        if policy.is_exact:
            return self._count_exactly(policy, client, lambda counter: counter.get(policy, client))
        return self._local.get(policy, client)

    def reset(self, policy: RateLimitPolicy, client: str) -> None:
        with self._lock:
            self._pending.pop((policy, client), None)
            self._local.reset(policy, client)
        self._call_remote(lambda remote: remote.reset(policy, client))

    def _count_exactly(
        self,
        policy: RateLimitPolicy,
        client: str,
        operation: Callable[[RateCounter], RateLimitStatus],
    ) -> RateLimitStatus:
        self._exact.add(policy)
        status = self._call_remote(operation)
        if status is None:
            return operation(self._local)
        self._local.set_status(client, status)
        return status

    def _call_remote(self, operation: Callable[[RemoteRateCounter], T]) -> T | None:
        """Return the result of the remote counter; None while it is down."""
        return self._breaker.call(lambda: operation(self._remote))

    def _flush(self) -> None:
        if self._breaker.is_open:
            return
        with self._lock:
            pending, self._pending = self._pending, {}
        for (policy, client), count in pending.items():
            self._flush_client(policy, client, count)

    def _flush_client(self, policy: RateLimitPolicy, client: str, count: int) -> None:
        current = min(count, self._local.get(policy, client).used)  # not counts of a former window
        if not current:
            return
        status = self._call_remote(lambda remote: remote.increment(policy, client, count=current))
        if status is None:  # it may have been counted: better too few than twice
            return
        with self._lock:
            since = self._pending.get((policy, client), 0)
            self._local.set_status(
                client, RateLimitStatus(policy, status.used + since, status.seconds_left)
            )

    def _reconnect(self) -> None:
        self._remote.ping()
        for policy in tuple(self._exact):
            for client, status in self._local.list_statuses(policy):
                self._send_missed(client, status)
        self._loop.wake()

    def _send_missed(self, client: str, status: RateLimitStatus) -> None:
        missed = status.used - self._remote.get(status.policy, client).used
        if missed > 0:
            self._remote.increment(status.policy, client, count=missed)
