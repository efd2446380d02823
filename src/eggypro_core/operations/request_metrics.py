"""Request metrics: counts, errors and durations per route."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_interface
from math import ceil
from typing import Protocol

from attrs import define, frozen

from eggypro_core.ports import Clock
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import integer_param

UNMATCHED_ENDPOINT = "(unmatched)"
"""The endpoint of all requests that match no route."""
SAMPLED_ENDPOINT = "(sampled)"
"""The endpoint of one request per minute in which requests without a route were not recorded."""
_NETWORK_PREFIX_BITS = {4: 24, 6: 48}
_WHOLE_MS_FROM = 10
"""The duration from which on milliseconds are rounded to integers."""


@define(unsafe_hash=True)  # not frozen: each request makes one, which would take twice as long
class RequestRecord:
    """A completed request.

    `endpoint` is the template of its route, such as `/api/products/{slug}`: never the raw path, so
    that clients cannot create endpoints. `network` is the `network_of` the client.
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
        """Return the duration as stored: few distinct values make summaries fast."""
        if self.duration_ms < 1:
            return round(self.duration_ms, 2)
        return round(self.duration_ms, 1 if self.duration_ms < _WHOLE_MS_FROM else 0)


@lru_cache(4096)
def network_of(client: str) -> str:
    """Return the stored part of a client's address: the /24 of IPv4, the /48 of IPv6.

    `client` is the rate limiter's: an address, a network, or a word if there is neither.
    """
    try:
        interface = ip_interface(client)
    except ValueError:
        return client
    address = interface.ip
    return str(ip_interface(f"{address}/{_NETWORK_PREFIX_BITS[address.version]}").network)


@frozen
class Metric:
    """A gauge or counter of a process; the values of all workers are added up.

    A counter (`is_counter`) only grows, and includes workers that have ended. `read` does not block
    and raises nothing.
    """

    name: str
    description: str
    read: Callable[[], float]
    is_counter: bool = False


MIN_ERROR_STATUS, MIN_SERVER_ERROR_STATUS = 400, 500
"""The lowest status that counts as an error, and the lowest one of the server."""
DEFAULT_SUMMARY_DAYS, DEFAULT_RETENTION_DAYS = 7, 30
"""Default number of days to summarise and to retain."""
MAX_SUMMARY_DAYS, MAX_RETENTION_DAYS = 90, 3650
SUMMARY_PARAMETERS: Mapping[str, fields.Validator] = {
    "days": integer_param("Days", 1, MAX_SUMMARY_DAYS)
}
"""The parameters of `parse_summary_days`."""
_DURATION = re.compile("([0-9]{1,5})([mhd])")
_DURATION_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_RETENTION_PARAMETERS: Mapping[str, fields.Validator] = {
    "days": integer_param("Days", 1, MAX_RETENTION_DAYS)
}


@frozen
class RequestSummary:
    """The metrics of a route: requests, errors among them, and durations in milliseconds.

    A percentile is the shortest duration that this share of the requests did not exceed.
    """

    endpoint: str
    method: str
    requests: int
    errors: int
    average_ms: float
    p50: float
    p95: float
    p99: float


@frozen
class ErrorSummary:
    """The errors of a route with one status: how many, the time of the latest, and its request ID.

    The ID is None for requests that an earlier version recorded.
    """

    endpoint: str
    method: str
    status: int
    count: int
    last_at: datetime
    request_id: str | None


@frozen
class ErrorReport:
    """The errors since a time: server errors first, then the most frequent."""

    since: datetime
    errors: tuple[ErrorSummary, ...]
    is_sampled: bool = False
    """Whether more requests matched no route than are recorded."""


@frozen
class MetricsSummary:
    """The summaries of routes, most requests first.

    If `is_sampled`, more requests matched no route than are recorded.
    """

    routes: tuple[RequestSummary, ...]
    is_sampled: bool = False


def sort_by_p95(summaries: Iterable[RequestSummary]) -> tuple[RequestSummary, ...]:
    """Return the summaries, slowest first, by 95th percentile."""
    return tuple(sorted(summaries, key=lambda summary: -summary.p95))


def sort_by_errors(summaries: Iterable[RequestSummary]) -> tuple[RequestSummary, ...]:
    """Return the summaries with errors, most errors first."""
    failing = (summary for summary in summaries if summary.errors)
    return tuple(sorted(failing, key=lambda summary: -summary.errors))


def parse_summary_days(params: Mapping[str, object]) -> int:
    """Return the optional parameter `days`, the number of days to summarise.

    Raises ValidationError.
    """
    return int(fields.check(params, SUMMARY_PARAMETERS).get("days", DEFAULT_SUMMARY_DAYS))


def parse_retention_days(params: Mapping[str, object]) -> int:
    """Return the optional parameter `days`, the number of days to retain.

    Raises ValidationError.
    """
    return int(fields.check(params, _RETENTION_PARAMETERS).get("days", DEFAULT_RETENTION_DAYS))


def parse_since(params: Mapping[str, object], now: datetime) -> datetime:
    """Return the optional parameter `since` as a time; the default is a day ago.

    It is a duration such as `30m`, `24h` or `7d`, or an ISO 8601 time (UTC unless it has an
    offset). Raises ValidationError.
    """
    values = fields.check(params, {"since": lambda value: _since(str(value), now)})
    since: datetime = values.get("since", now - timedelta(days=1))
    return since


def _since(text: str, now: datetime) -> datetime:
    if match := _DURATION.fullmatch(text):
        return now - int(match[1]) * _DURATION_UNITS[match[2]]
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise fields.InvalidValueError(
            f"Since is '{fields.escape_control(text)}': give a duration such as 30m, 24h or 7d, or"
            " a time such as 2026-01-31T08:00"
        ) from None


class RequestRecorder(Protocol):
    """Record the requests of the API."""

    def record(self, request: RequestRecord) -> None:
        """Record a request. Does not block and raises nothing, even during an outage."""
        ...


class MetricsExporter(Protocol):
    """Export the metrics of a server to a monitoring system."""

    def export(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics and their media type, negotiated by the `accept` header.

        They are the sums over all workers, at most a second old.
        """
        ...


class RequestLog(Protocol):
    """Store requests and summarise them. Any method may raise UnavailableError.

    Of the duration, it stores `rounded_ms`.
    """

    def append(self, records: Sequence[RequestRecord]) -> None:
        """Store more requests: all or none."""
        ...

    def summarise(self, since: datetime) -> tuple[RequestSummary, ...]:
        """Summarise the requests since a time, by endpoint and method.

        Sorted by number of requests, most first, then by endpoint and method.
        """
        ...

    def summarise_errors(self, since: datetime) -> tuple[ErrorSummary, ...]:
        """Summarise the errors since a time, by endpoint, method and status.

        Server errors come first, then the most frequent, then by endpoint, method and status.
        """
        ...

    def count_by_step(
        self, since: datetime, *, step: timedelta, step_count: int
    ) -> tuple[int, ...]:
        """Return the numbers of requests in `step_count` consecutive steps from `since`."""
        ...

    def prune(self, before: datetime, limit: int) -> int:
        """Delete requests from before a time and return their number, 0 if there are none.

        Deletes at most `limit` rows: a store may keep equal requests of one second in one row.

        Concurrent calls do not block each other.
        """
        ...


PRUNE_BATCH_SIZE = 10_000
"""Rows deleted per transaction, few enough that other writers need not wait."""
MAX_ACTIVITY_STEPS = 48


@frozen
class RequestActivity:
    """The numbers of requests in consecutive steps, the last one ending now."""

    step: timedelta
    counts: tuple[int, ...]


@frozen
class RequestMetrics:
    """Summarise and prune the request log. Every method may raise UnavailableError."""

    _log: RequestLog
    _clock: Clock

    def summarise(self, days: int) -> MetricsSummary:
        """Return the summary of the last days."""
        summaries = self._log.summarise(self._clock() - timedelta(days=days))
        routes = tuple(row for row in summaries if row.endpoint != SAMPLED_ENDPOINT)
        return MetricsSummary(routes, is_sampled=len(routes) < len(summaries))

    def report_errors(self, params: Mapping[str, object]) -> ErrorReport:
        """Return the errors since the optional parameter `since`. Raises ValidationError."""
        since = parse_since(params, self._clock())
        summaries = self._log.summarise_errors(since)
        errors = tuple(row for row in summaries if row.endpoint != SAMPLED_ENDPOINT)
        return ErrorReport(since, errors, is_sampled=len(errors) < len(summaries))

    def get_activity(self, days: int) -> RequestActivity:
        """Return the activity of the last days, in at most MAX_ACTIVITY_STEPS steps."""
        step = _choose_step(days)
        steps = ceil(timedelta(days=days) / step)
        since = self._clock() - steps * step
        return RequestActivity(step, self._log.count_by_step(since, step=step, step_count=steps))

    def prune(self, days: int) -> Iterator[int]:
        """Delete the requests that are older than `days`, yielding the number after each batch.

        It can be interrupted after any batch, repeated, and run concurrently.
        """
        before = self._clock() - timedelta(days=days)
        while count := self._log.prune(before, PRUNE_BATCH_SIZE):
            yield count


def _choose_step(days: int) -> timedelta:
    if days * 24 <= MAX_ACTIVITY_STEPS:
        return timedelta(hours=1)
    return timedelta(days=ceil(days / MAX_ACTIVITY_STEPS))
