"""`eggypro search`: what people search for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption
from eggypro_cli.output import JsonOption, confirm, examples, print_body
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="See what people search for in vain.",
    epilog=examples("search misses --limit 100"),
)


@app.command(
    epilog=examples(
        "search misses", "search misses --limit 100 --json", "search misses --clear --yes"
    )
)
def misses(
    context: typer.Context,
    *,
    limit: Annotated[
        str | None, typer.Option("--limit", metavar="N", help="How many to show: 1-1000, else 20.")
    ] = None,
    clear: Annotated[
        bool, typer.Option("--clear", help="Show them, and count all of them anew.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """List the searches that found nothing, the most frequent first.

    Searches with filters do not count, nor does what may tell who searched: long numbers, e-mail
    addresses.
    """
    from eggypro_cli.tables import zero_results_table
    from eggypro_core.search.zero_results import parse_limit
    from eggypro_core.serializers import zero_results_body

    most = parse_query(parse_limit, {"limit": limit})
    if clear:
        confirm("Forget all searches that found nothing?", yes=yes, json=json)
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        found = shop.zero_results.list(most)
        print_body(
            zero_results_body(found),
            lambda: [zero_results_table(found) if found else "No search was in vain."],
            json=json,
        )
        if clear:
            shop.zero_results.clear()
