"""Tables and bars of metrics and health for people, at most 80 columns wide."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, timedelta

from rich.bar import Bar
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from eggypro_core.operations.health import CheckResult, HealthReport, HealthStatus, ServiceStatus
from eggypro_core.operations.request_metrics import (
    MIN_SERVER_ERROR_STATUS,
    UNMATCHED_ENDPOINT,
    ErrorReport,
    MetricsSummary,
    RequestActivity,
    RequestSummary,
)

_PADDING = (0, 2, 0, 0)
_BAR_WIDTH = 11
_LEVELS = "▁▂▃▄▅▆▇█"
_ERROR_COLOURS = {True: "bold red", False: "yellow"}
"""The colours of server errors and of other errors."""
_COLOURS = {
    "healthy": "green",
    "degraded": "yellow",
    "unhealthy": "bold red",
    "disabled": "dim",
}


def summary_lines(metrics: MetricsSummary, activity: RequestActivity) -> Iterator[RenderableType]:
    """Render request metrics per route, and a chart of requests over time."""
    summaries = metrics.routes
    if not summaries:
        yield "No requests."
        return
    total = sum(summary.requests for summary in summaries)
    yield f"{total} requests, per {_unit(activity.step)}: {_chart(activity.counts)} now"
    yield ""
    yield _route_table("requests", summaries, lambda summary: summary.requests)
    if metrics.is_sampled:
        yield from _sampling_note()


def top_lines(
    slow: Sequence[RequestSummary], failing: Sequence[RequestSummary]
) -> Iterator[RenderableType]:
    """Render the slowest routes and those with the most errors."""
    if not slow:
        yield "No requests."
        return
    yield "Slowest:"
    yield _route_table("p95", slow, lambda summary: summary.p95)
    yield ""
    if not failing:
        yield "No errors."
        return
    yield "Most errors:"
    yield _route_table("errors", failing, lambda summary: summary.errors)


def error_lines(report: ErrorReport) -> Iterator[RenderableType]:
    """Render the errors per route and status."""
    since = f"{report.since:%Y-%m-%d %H:%M}"
    if not report.errors:
        yield f"No errors since {since} UTC."
        return
    yield f"{sum(error.count for error in report.errors)} errors since {since} UTC"
    yield ""
    table = Table(box=None, padding=_PADDING)
    table.add_column("route", overflow="fold", ratio=1)
    table.add_column("status", no_wrap=True)
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("last seen (UTC)", no_wrap=True)
    table.add_column("request id", overflow="fold")
    for error in report.errors:
        table.add_row(
            f"{error.method} {error.endpoint}",
            Text(str(error.status), _ERROR_COLOURS[error.status >= MIN_SERVER_ERROR_STATUS]),
            str(error.count),
            f"{error.last_at.astimezone(UTC):%m-%d %H:%M:%S}",
            error.request_id,
        )
    yield table
    if report.is_sampled:
        yield from _sampling_note()


def health_lines(report: HealthReport) -> Iterator[RenderableType]:
    """Render the health of each service and of the shop."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("service", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    for name, result in report.services.items():
        table.add_row(name, _status(result.status), _duration(result))
    yield table
    yield ""
    yield Text.assemble("The shop is ", _status(report.status), f" ({report.environment})")
    for name, result in report.services.items():
        if result.reason:
            yield f"{name}: {result.reason}"


def _route_table(
    measure: str, summaries: Sequence[RequestSummary], value: Callable[[RequestSummary], float]
) -> Table:
    """Render a table of routes, with a bar for the value of each route."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("route", overflow="fold", ratio=1)
    table.add_column(f"by {measure}", no_wrap=True, width=_BAR_WIDTH)
    for name in ("requests", "errors", "p50", "p95", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    maximum = max(map(value, summaries)) or 1
    for summary in summaries:
        table.add_row(
            f"{summary.method} {summary.endpoint}",
            Bar(maximum, 0, value(summary), width=_BAR_WIDTH),
            str(summary.requests),
            str(summary.errors),
            *(f"{time:g}" for time in (summary.p50, summary.p95, summary.p99)),
        )
    return table


def _sampling_note() -> Iterator[RenderableType]:
    yield ""
    yield f"{UNMATCHED_ENDPOINT} is sampled: Prometheus counts all requests without a route."


def _chart(counts: Sequence[int]) -> str:
    """Return a chart of one character per count; a dot is zero."""
    maximum = max(counts, default=0)
    return "".join(
        _LEVELS[(count * len(_LEVELS) - 1) // maximum] if count else "." for count in counts
    )


def _unit(step: timedelta) -> str:
    if step < timedelta(days=1):
        return "hour"
    return "day" if step.days == 1 else f"{step.days} days"


def _duration(result: CheckResult) -> str:
    return "" if result.status is ServiceStatus.DISABLED else f"{result.duration_ms:.1f}"


def _status(status: ServiceStatus | HealthStatus) -> Text:
    return Text(status, _COLOURS[status])
