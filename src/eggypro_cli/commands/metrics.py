"""`eggypro metrics`: request metrics of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.output import JsonOption, examples, print_body
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Show request metrics of the API, and delete old ones.",
    epilog=examples("metrics summary --days 7", "metrics top --limit 3"),
)
DaysOption = Annotated[
    str | None, typer.Option("--days", metavar="N", help="Number of days: 1-90, default 7.")
]


@app.command(epilog=examples("metrics summary --days 7", "metrics summary --days 1 --json"))
def summary(context: typer.Context, *, days: DaysOption = None, json: JsonOption = False) -> None:
    """Show requests, errors and latencies per route.

    The most requested routes come first. Latencies are in milliseconds; every status from 400 on
    is an error.
    """
    from eggypro_cli.metric_tables import summary_lines
    from eggypro_core.operations.request_metrics import parse_summary_days
    from eggypro_core.serializers import metrics_summary_body

    period = parse_query(parse_summary_days, {"days": days})
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        metrics = shop.request_metrics.summarise(period)
        print_body(
            metrics_summary_body(metrics),
            lambda: summary_lines(metrics, shop.request_metrics.get_activity(period)),
            json=json,
        )


@app.command(epilog=examples("metrics top", "metrics top --days 1 --limit 3 --json"))
def top(
    context: typer.Context,
    *,
    days: DaysOption = None,
    limit: Annotated[
        int,
        typer.Option("--limit", metavar="N", min=1, max=100, help="Number of routes per table."),
    ] = 5,
    json: JsonOption = False,
) -> None:
    """Show the slowest routes and those with the most errors.

    The slowest routes have the highest 95th percentile latency.
    """
    from eggypro_cli.metric_tables import top_lines
    from eggypro_core.operations.request_metrics import (
        parse_summary_days,
        sort_by_errors,
        sort_by_p95,
    )
    from eggypro_core.serializers import route_summaries

    period = parse_query(parse_summary_days, {"days": days})
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        summaries = shop.request_metrics.summarise(period).routes
    slow, failing = sort_by_p95(summaries)[:limit], sort_by_errors(summaries)[:limit]
    body = {
        "slowest": route_summaries(slow),
        "most_errors": route_summaries(failing),
    }
    print_body(body, lambda: top_lines(slow, failing), json=json)


@app.command(epilog=examples("metrics errors --since 30m", "metrics errors --since 7d --json"))
def errors(
    context: typer.Context,
    *,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="A duration (30m, 24h, 7d) or a time (2026-01-31T08:00, UTC). Default: 24h.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the errors per route and status, server errors first.

    Every status from 400 on is an error. The request ID is that of the latest one: the log line of
    that request contains it.
    """
    from eggypro_cli.metric_tables import error_lines
    from eggypro_core.serializers import error_report_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        report = parse_query(shop.request_metrics.report_errors, {"since": since})
    print_body(error_report_body(report), lambda: error_lines(report), json=json)


@app.command(epilog=examples("metrics prune --days 30", "metrics prune --days 90 --json"))
def prune(
    context: typer.Context,
    *,
    days: Annotated[
        str | None,
        typer.Option("--days", metavar="N", help="Number of days to keep: 1-3650, default 30."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Delete request metrics older than --days.

    Deletes in small batches, without blocking requests.
    """
    from eggypro_core.operations.request_metrics import parse_retention_days

    retention = parse_query(parse_retention_days, {"days": days})
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        removed = sum(shop.request_metrics.prune(retention))
    print_body({"removed": removed}, lambda: [f"{removed} removed"], json=json)
