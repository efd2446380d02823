"""`eggypro maintenance`: scheduled clean-up jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.exit_codes import UNAVAILABLE_EXIT_CODE
from eggypro_cli.output import JsonOption, examples, print_body, print_message

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

EXAMPLES = examples("maintenance run", "maintenance run --json")
app = typer.Typer(
    help="Delete data that is no longer needed.",
    epilog=EXAMPLES,
)


@app.command(epilog=EXAMPLES)
def run(context: typer.Context, *, json: JsonOption = False) -> None:
    """Run all maintenance jobs.

    Deletes orphaned images, request metrics and zero-result searches older than 30 days, and
    expired idempotency keys. A running server deletes all but the images itself. Schedule it daily.
    Exits with 3 if the image store fails to delete an image.
    """
    from eggypro_cli.tables import pair_table
    from eggypro_core.maintenance import MaintenanceJob, run_maintenance_job
    from eggypro_core.serializers import job_result_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        results = [run_maintenance_job(shop, job) for job in MaintenanceJob]
    body = {"items": [job_result_body(result) for result in results]}
    lines = [(result.job, f"{result.removed} removed") for result in results]
    print_body(body, lambda: [pair_table(lines)], json=json)
    if failures := sum(result.kept for result in results):
        if not json:
            print_message(f"{failures} images could not be deleted. Try again later.")
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)
