"""`eggypro search`: search statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption
from eggypro_cli.output import JsonOption, confirm, examples, print_body
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

ZERO_RESULTS_EXAMPLES = examples(
    "search zero-results",
    "search zero-results --limit 100 --json",
    "search zero-results --clear --yes",
)
app = typer.Typer(
    help="Show which searches return no results.",
    epilog=examples("search zero-results --limit 100"),
)


@app.command("misses", epilog=ZERO_RESULTS_EXAMPLES, hidden=True)  # the former name
@app.command("zero-results", epilog=ZERO_RESULTS_EXAMPLES)
def zero_results(
    context: typer.Context,
    *,
    limit: Annotated[
        str | None,
        typer.Option("--limit", metavar="N", help="Number of searches: 1-1000, default 20."),
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Show the counts, then reset them.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """List searches without results, most frequent first.

    Searches with filters are not counted, nor are those that could identify a person (long
    numbers, e-mail addresses).
    """
    from eggypro_cli.tables import zero_results_table
    from eggypro_core.search.zero_results import parse_limit
    from eggypro_core.serializers import zero_results_body

    max_searches = parse_query(parse_limit, {"limit": limit})
    if clear:
        confirm("Reset all counts of zero-result searches?", yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        searches = shop.zero_results.list(max_searches)
        print_body(
            zero_results_body(searches),
            lambda: [zero_results_table(searches) if searches else "No zero-result searches."],
            json=json,
        )
        if clear:
            shop.zero_results.clear()
