"""What calls come to: how many there were, how many failed, and how long they took."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_interface
from math import ceil
from typing import Protocol

from attrs import frozen

from eggypro_core.ports import Clock
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import integer_param

UNMATCHED_ENDPOINT = "(unmatched)"
"""The endpoint of all calls of addresses that do not exist."""
_NETWORK_PREFIX_BITS = {4: 24, 6: 48}
_WHOLE_MS_FROM = 10
"""The milliseconds from which on no part of one is kept."""


@frozen
class RequestRecord:
    """A call that has been answered.

    `endpoint` is the template of its route, such as `/api/products/{slug}`: never the raw path, so
    that nobody can make new ones. `network` is what is kept of the caller's address. It was
    answered `at` that time, after so many `milliseconds`.
    """

    endpoint: str
    method: str
    status: int
    duration_ms: float
    network: str
    user_agent: str
    request_id: str
    completed_at: datetime

    @property
    def rounded_ms(self) -> float:
        """Return its milliseconds as they are kept: so few different ones soon sum up."""
        if self.duration_ms < 1:
            return round(self.duration_ms, 2)
        return round(self.duration_ms, 1 if self.duration_ms < _WHOLE_MS_FROM else 0)


@lru_cache(4096)
def network_of(client: str) -> str:
    """Return what is kept of a client: the /24 of an IPv4 address, the /48 of an IPv6 one.

    A client is as a limiter knows it: an address, a network, or a word where there is neither.
    """
    try:
        interface = ip_interface(client)
    except ValueError:
        return client
    address = interface.ip
    kept = ip_interface(f"{address}/{_NETWORK_PREFIX_BITS[address.version]}").network
    return str(kept)


@frozen
class Metric:
    """A number that shows how a process is; those of all workers are added up.

    One that `is_total` only grows, and a worker that has ended still counts in it. `read` waits for
    nobody and raises nothing.
    """

    name: str
    description: str
    read: Callable[[], float]
    is_counter: bool = False


MIN_ERROR_STATUS = 400
"""The status from which on an answer counts as an error, whoever is to blame."""
DEFAULT_SUMMARY_DAYS, DEFAULT_RETENTION_DAYS = 7, 30
"""The days that are summed up, and those that are kept, where nobody says how many."""
MAX_SUMMARY_DAYS, MAX_RETENTION_DAYS = 90, 3650
SUMMARY_PARAMETERS: Mapping[str, fields.Validator] = {
    "days": integer_param("Days", 1, MAX_SUMMARY_DAYS)
}
"""What `parse_summary_days` takes."""
_RETENTION_PARAMETERS: Mapping[str, fields.Validator] = {
    "days": integer_param("Days", 1, MAX_RETENTION_DAYS)
}


@frozen
class RequestSummary:
    """What the calls of a route came to: how many, of these how many errors, their milliseconds.

    A percentile is the shortest time that so many percent of the calls did not exceed.
    """

    endpoint: str
    method: str
    requests: int
    errors: int
    average_ms: float
    p50: float
    p95: float
    p99: float


def sort_by_p95(summaries: Iterable[RequestSummary]) -> tuple[RequestSummary, ...]:
    """Return the slowest first, by what 95 percent of the calls did not exceed."""
    return tuple(sorted(summaries, key=lambda one: -one.p95))


def sort_by_errors(summaries: Iterable[RequestSummary]) -> tuple[RequestSummary, ...]:
    """Return those that had errors, with the most of them first."""
    failing = (one for one in summaries if one.errors)
    return tuple(sorted(failing, key=lambda one: -one.errors))


def parse_summary_days(params: Mapping[str, object]) -> int:
    """Check parameters of which there may be one, `days`; return how many to sum up.

    Raises ValidationError.
    """
    return int(fields.check(params, SUMMARY_PARAMETERS).get("days", DEFAULT_SUMMARY_DAYS))


def parse_retention_days(params: Mapping[str, object]) -> int:
    """Check parameters of which there may be one, `days`; return how many to keep.

    Raises ValidationError.
    """
    return int(fields.check(params, _RETENTION_PARAMETERS).get("days", DEFAULT_RETENTION_DAYS))


class RequestRecorder(Protocol):
    """Takes note of each call of the API."""

    def record(self, request: RequestRecord) -> None:
        """Take note of a call: at once, waiting for nobody, whatever is away. Raises nothing."""
        ...


class MetricsExporter(Protocol):
    """Shows the figures of a server to a monitoring system."""

    def export(self, accept: str) -> tuple[bytes, str]:
        """Return all figures and their media type: one that `accept` names, if there is a choice.

        They are those of all workers together, as far as a second ago.
        """
        ...


class RequestLog(Protocol):
    """Keeps calls, to be summed up. Any method may raise UnavailableError.

    Of how long a call took, it keeps the `rounded_ms`.
    """

    def append(self, records: Sequence[RequestRecord]) -> None:
        """Keep some more calls: all of them, or none."""
        ...

    def summarise(self, since: datetime) -> tuple[RequestSummary, ...]:
        """Sum up the calls since a time, by endpoint and method: those with most calls first.

        Those with as many are in the order of endpoint and method.
        """
        ...

    def count_by_step(
        self, since: datetime, *, step: timedelta, step_count: int
    ) -> tuple[int, ...]:
        """Return how many calls there were in each of so many steps of time, from a time on."""
        ...

    def prune(self, before: datetime, limit: int) -> int:
        """Forget calls from before a time, at most so many; return how many.

        Several may do so at once: none waits for another.
        """
        ...


PRUNE_BATCH_SIZE = 10_000
"""How many calls are forgotten at once: so few that nobody waits for it."""
MAX_ACTIVITY_STEPS = 48


@frozen
class Activity:
    """How many calls there were in each `step` of a time, the last one ending now."""

    step: timedelta
    counts: tuple[int, ...]


@frozen
class RequestMetrics:
    """Looks back on the calls of the API. Every method may raise UnavailableError."""

    _log: RequestLog
    _clock: Clock

    def summarise(self, days: int) -> tuple[RequestSummary, ...]:
        """Return what the calls of the last days came to, the most frequent first."""
        return self._log.summarise(self._clock() - timedelta(days=days))

    def get_activity(self, days: int) -> Activity:
        """Return how many calls there were over the last days, in at most STEPS steps."""
        step = _choose_step(days)
        steps = ceil(timedelta(days=days) / step)
        since = self._clock() - steps * step
        return Activity(step, self._log.count_by_step(since, step=step, step_count=steps))

    def prune(self, days: int) -> Iterator[int]:
        """Forget the calls that are older than so many days; tell how many after each batch.

        It can be left at any batch, done again, and done by several at once.
        """
        before = self._clock() - timedelta(days=days)
        while done := self._log.prune(before, PRUNE_BATCH_SIZE):
            yield done


def _choose_step(days: int) -> timedelta:
    if days * 24 <= MAX_ACTIVITY_STEPS:
        return timedelta(hours=1)
    return timedelta(days=ceil(days / MAX_ACTIVITY_STEPS))
