"""`eggypro health`: health of the shop and its services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

UNAVAILABLE_EXIT_CODE = 3
EXAMPLES = examples("health", "health --json")


def health(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check the health of all configured services.

    Takes at most two seconds. Exits with 3 unless all services are healthy.
    """
    from eggypro_cli.metric_tables import health_lines
    from eggypro_core.operations.health import HealthStatus
    from eggypro_core.serializers import health_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        report = shop.health.report()
    print_body(health_body(report), lambda: health_lines(report), json=json)
    if report.status is not HealthStatus.HEALTHY:
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)
