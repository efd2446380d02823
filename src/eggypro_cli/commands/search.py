"""`eggypro search`: what people search for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption
from eggypro_cli.output import JsonOption, examples, require_yes, show
from eggypro_cli.queries import asked_for

if TYPE_CHECKING:
    from eggypro_cli.runtime import Outside

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
    from eggypro_cli.tables import miss_table
    from eggypro_core.search.zero_results import read_most
    from eggypro_core.serializers import misses_body

    most = asked_for(read_most, {"limit": limit})
    if clear:
        require_yes("Forget all searches that found nothing?", yes=yes, json=json)
    outside: Outside = context.obj
    with outside.open() as shop:
        found = shop.zero_results.list(most)
        show(
            misses_body(found),
            lambda: [miss_table(found) if found else "No search was in vain."],
            json=json,
        )
        if clear:
            shop.zero_results.clear()
