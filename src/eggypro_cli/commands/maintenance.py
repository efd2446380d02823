"""`eggypro upkeep`: removes what nobody needs any more, for a timer or a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, print_body, print_message

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

UNAVAILABLE_EXIT_CODE = 3
EXAMPLES = examples("upkeep", "upkeep --json")


def upkeep(context: typer.Context, *, json: JsonOption = False) -> None:
    """Remove what nobody needs any more.

    Images that no product has, calls older than 30 days, idempotency keys that are over. Have a
    timer do it daily. Exits with 3 if the image store would not delete some.
    """
    from eggypro_cli.tables import pair_table
    from eggypro_core.maintenance import MaintenanceJob, run_maintenance_job
    from eggypro_core.serializers import job_result_body

    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        done = [run_maintenance_job(shop, job) for job in MaintenanceJob]
    body = {"items": [job_result_body(one) for one in done]}
    print_body(
        body, lambda: [pair_table((one.job, f"{one.removed} removed") for one in done)], json=json
    )
    if kept := sum(one.kept for one in done):
        if not json:
            print_message(f"{kept} images could not be deleted now: try again later.")
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)
