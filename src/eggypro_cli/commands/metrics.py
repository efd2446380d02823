"""`eggypro metrics`: what the calls of the API came to, and forgetting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.output import JsonOption, examples, print_body
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="See how the API is called, and forget old calls.",
    epilog=examples("metrics summary --days 7", "metrics top --limit 3"),
)
DaysOption = Annotated[
    str | None, typer.Option("--days", metavar="N", help="How many days: 1-90, else 7.")
]


@app.command(epilog=examples("metrics summary --days 7", "metrics summary --days 1 --json"))
def summary(context: typer.Context, *, days: DaysOption = None, json: JsonOption = False) -> None:
    """Sum up the calls of the last days by route.

    The most frequent come first. Times are in milliseconds; every status from 400 on counts as an
    error.
    """
    from eggypro_cli.metric_tables import summary_lines
    from eggypro_core.operations.request_metrics import parse_summary_days
    from eggypro_core.serializers import request_summaries_body

    wanted = parse_query(parse_summary_days, {"days": days})
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        found = shop.request_metrics.summarise(wanted)
        print_body(
            request_summaries_body(found),
            lambda: summary_lines(found, shop.request_metrics.get_activity(wanted)),
            json=json,
        )


@app.command(epilog=examples("metrics top", "metrics top --days 1 --limit 3 --json"))
def top(
    context: typer.Context,
    *,
    days: DaysOption = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=100, help="How many of each to show.")
    ] = 5,
    json: JsonOption = False,
) -> None:
    """Show the slowest routes, and those with most errors.

    The slowest by what 95 percent of their calls did not exceed.
    """
    from eggypro_cli.metric_tables import top_lines
    from eggypro_core.operations.request_metrics import (
        parse_summary_days,
        sort_by_errors,
        sort_by_p95,
    )
    from eggypro_core.serializers import request_summaries_body

    wanted = parse_query(parse_summary_days, {"days": days})
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        found = shop.request_metrics.summarise(wanted)
    slow, failing = sort_by_p95(found)[:limit], sort_by_errors(found)[:limit]
    body = {
        "slowest": request_summaries_body(slow)["items"],
        "most_errors": request_summaries_body(failing)["items"],
    }
    print_body(body, lambda: top_lines(slow, failing), json=json)


@app.command(epilog=examples("metrics prune --days 30", "metrics prune --days 90 --json"))
def prune(
    context: typer.Context,
    *,
    days: Annotated[
        str | None,
        typer.Option("--days", metavar="N", help="How many days to keep: 1-3650, else 30."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Forget the calls that are older than some days.

    A few at a time: nobody waits for it.
    """
    from eggypro_core.operations.request_metrics import parse_retention_days

    wanted = parse_query(parse_retention_days, {"days": days})
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        removed = sum(shop.request_metrics.prune(wanted))
    print_body({"removed": removed}, lambda: [f"{removed} removed"], json=json)
