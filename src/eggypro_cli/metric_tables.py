"""How figures of a running shop look to people: bars and tables that 80 columns can hold."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from rich.bar import Bar
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from eggypro_core.operations.health import CheckResult, HealthReport, HealthStatus, ServiceStatus
from eggypro_core.operations.request_metrics import Activity, RequestSummary

_PADDING = (0, 2, 0, 0)
_BAR = 10
_LEVELS = "▁▂▃▄▅▆▇█"
_COLOURS = {
    "healthy": "green",
    "degraded": "yellow",
    "unhealthy": "bold red",
    "disabled": "dim",
}


def summary_lines(
    summaries: Sequence[RequestSummary], activity: Activity
) -> Iterator[RenderableType]:
    """Return what the calls of each route came to, and how many there were over the time."""
    if not summaries:
        yield "There were no calls."
        return
    total = sum(one.requests for one in summaries)
    yield f"{total} calls, per {_words(activity.step)}: {_line(activity.counts)} now"
    yield ""
    yield _routes("calls", summaries, lambda one: one.requests)


def top_lines(
    slow: Sequence[RequestSummary], failing: Sequence[RequestSummary]
) -> Iterator[RenderableType]:
    """Return the slowest routes, and those with the most errors."""
    if not slow:
        yield "There were no calls."
        return
    yield "Slowest:"
    yield _routes("p95", slow, lambda one: one.p95)
    yield ""
    if not failing:
        yield "No errors."
        return
    yield "Most errors:"
    yield _routes("errors", failing, lambda one: one.errors)


def health_lines(report: HealthReport) -> Iterator[RenderableType]:
    """Return how each service is, and with it the whole."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("service", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for name, finding in report.services.items():
        table.add_row(name, _state(finding.status), _took(finding), finding.reason)
    yield table
    yield ""
    yield Text.assemble("The shop is ", _state(report.status), f" ({report.environment})")


def _routes(
    measure: str, summaries: Sequence[RequestSummary], measured: Callable[[RequestSummary], float]
) -> Table:
    """Return a table of routes, with a bar for how each of them measures."""
    table = Table(box=None, padding=_PADDING)
    table.add_column("route", overflow="fold", ratio=1)
    table.add_column(f"by {measure}", no_wrap=True, width=_BAR)
    for name in ("calls", "errors", "p50", "p95", "p99"):
        table.add_column(name, justify="right", no_wrap=True)
    most = max(measured(one) for one in summaries) or 1
    for one in summaries:
        table.add_row(
            f"{one.method} {one.endpoint}",
            Bar(most, 0, measured(one), width=_BAR),
            str(one.requests),
            str(one.errors),
            *(f"{time:g}" for time in (one.p50, one.p95, one.p99)),
        )
    return table


def _line(counts: Sequence[int]) -> str:
    """Return a bar of one character for each count; where nothing was, there is a dot."""
    most = max(counts, default=0)
    return "".join(
        _LEVELS[(count * len(_LEVELS) - 1) // most] if count else "." for count in counts
    )


def _words(step: timedelta) -> str:
    if step < timedelta(days=1):
        return "hour"
    return "day" if step.days == 1 else f"{step.days} days"


def _took(finding: CheckResult) -> str:
    return "" if finding.status is ServiceStatus.DISABLED else f"{finding.duration_ms:.1f}"


def _state(state: ServiceStatus | HealthStatus) -> Text:
    return Text(state, _COLOURS[state])
