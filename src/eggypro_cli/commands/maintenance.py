"""`eggypro upkeep`: removes what nobody needs any more, for a timer or a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, show, tell

if TYPE_CHECKING:
    from eggypro_cli.runtime import Outside

AWAY = 3
EXAMPLES = examples("upkeep", "upkeep --json")


def upkeep(context: typer.Context, *, json: JsonOption = False) -> None:
    """Remove what nobody needs any more.

    Images that no product has, calls older than 30 days, idempotency keys that are over. Have a
    timer do it daily. Exits with 3 if the image store would not delete some.
    """
    from eggypro_cli.tables import pairs
    from eggypro_core.maintenance import Job, keep_up
    from eggypro_core.serializers import upkept_body

    outside: Outside = context.obj
    with outside.open() as shop:
        done = [keep_up(shop, job) for job in Job]
    body = {"items": [upkept_body(one) for one in done]}
    show(body, lambda: [pairs((one.job, f"{one.removed} removed") for one in done)], json=json)
    if kept := sum(one.kept for one in done):
        if not json:
            tell(f"{kept} images could not be deleted now: try again later.")
        raise typer.Exit(AWAY)
