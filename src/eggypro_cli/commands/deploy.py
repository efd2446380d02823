"""`eggypro deploy`: check the settings, migrate the database, check all services."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.exit_codes import REJECTED_EXIT_CODE, UNAVAILABLE_EXIT_CODE, USAGE_EXIT_CODE
from eggypro_cli.output import JsonOption, examples, print_body, print_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eggypro_cli.runtime import Runtime
    from eggypro_core.deployment import DeploymentCheck

app = typer.Typer(
    short_help="Migrate the database, and check settings and services.",
    invoke_without_command=True,
    epilog=examples("deploy", "deploy --json"),
)


@app.callback()
def deploy(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check the settings, migrate the database, and check all services.

    Safe to repeat and to run concurrently. Exits with 2 if settings are invalid (and names each) or
    a service rejects them, with 3 if a service is unavailable.
    """
    if context.invoked_subcommand is None:
        _report(_run_checks(context.obj, upgrade=True), json=json)


@app.command(epilog=examples("deploy check", "deploy check --json"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Run the same checks without migrating.

    Exits with 2 if settings are invalid or a service rejects them, with 3 if a service is
    unavailable, with 1 if migrations are pending.
    """
    _report(_run_checks(context.obj, upgrade=False), json=json)


def _run_checks(runtime: Runtime, *, upgrade: bool) -> Sequence[DeploymentCheck]:
    from eggypro_core.deployment import DeploymentCheck, DeploymentCheckStatus, check_deployment

    runtime.check_settings()
    checks = check_deployment(
        runtime.open_shop, runtime.open_migrations, runtime.replica_check(), upgrade=upgrade
    )
    detail = "; ".join(["the settings are valid", *runtime.settings_warnings()])
    return [
        DeploymentCheck("environment", DeploymentCheckStatus.OK, detail),
        *checks,
    ]


def _report(checks: Sequence[DeploymentCheck], *, json: bool) -> None:
    from eggypro_cli.tables import pair_table
    from eggypro_core.deployment import DeploymentCheckStatus
    from eggypro_core.serializers import deployment_body

    lines = [(check.name, f"{check.status:<8}  {check.detail}".rstrip()) for check in checks]
    print_body(deployment_body(checks), lambda: [pair_table(lines)], json=json)
    statuses = {check.status for check in checks}
    if DeploymentCheckStatus.PENDING in statuses and not json:
        print_message("Run `eggypro deploy` to apply the migrations.")
    if any(check.is_misconfigured for check in checks):
        raise typer.Exit(USAGE_EXIT_CODE)
    if DeploymentCheckStatus.FAILED in statuses:
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)
    if DeploymentCheckStatus.PENDING in statuses:
        raise typer.Exit(REJECTED_EXIT_CODE)
