"""`eggypro health`: health of the shop and its services."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.exit_codes import UNAVAILABLE_EXIT_CODE, USAGE_EXIT_CODE
from eggypro_cli.output import JsonOption, examples, json_line, print_body, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

EXAMPLES = examples("health", "health --json")


def health(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check the health of all configured services.

    Takes at most two seconds. Exits with 3 unless all services are healthy; with 2 if one rejects
    the settings.
    """
    from eggypro_cli.errors import is_misconfigured, problem
    from eggypro_cli.metric_tables import health_lines
    from eggypro_core.errors import EggyProError
    from eggypro_core.operations.health import HealthStatus
    from eggypro_core.serializers import health_body

    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        report = shop.health.report()
    print_body(health_body(report), lambda: health_lines(report), json=json)
    if report.status is HealthStatus.HEALTHY:
        return
    errors = [result.error for result in report.services.values() if result.error is not None]
    if json:  # the body is public, so it has no reasons
        known_errors = [error for error in errors if isinstance(error, EggyProError)]
        write(b"".join(json_line(problem(error)) for error in known_errors), sys.stderr)
    is_usage_error = any(map(is_misconfigured, errors))
    raise typer.Exit(USAGE_EXIT_CODE if is_usage_error else UNAVAILABLE_EXIT_CODE)
