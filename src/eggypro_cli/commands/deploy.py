"""`eggypro deploy`: from settings to a database and services that this version can work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, print_body, print_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eggypro_cli.runtime import Runtime
    from eggypro_core.deployment import DeploymentCheck

UNAVAILABLE_EXIT_CODE = 3
app = typer.Typer(
    short_help="Bring the database up to date, and check everything.",
    invoke_without_command=True,
    epilog=examples("deploy", "deploy --json"),
)


@app.callback()
def deploy(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check the settings, bring the database up to date, and check what the shop needs.

    It can be done again, and by several at once. Exits with 2 where settings are wrong (it names
    each), with 3 where something is away.
    """
    if context.invoked_subcommand is None:
        _report(_done(context.obj, upgrade=True), json=json)


@app.command(epilog=examples("deploy check", "deploy check --json"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check the same, and change nothing.

    Exits with 2 where settings are wrong, with 3 where something is away, with 1 where the
    database lacks migrations.
    """
    _report(_done(context.obj, upgrade=False), json=json)


def _done(outside: Runtime, *, upgrade: bool) -> Sequence[DeploymentCheck]:
    from eggypro_core.deployment import CheckStatus, DeploymentCheck, check_deployment

    outside.check_settings()
    done = check_deployment(outside.open_shop, outside.open_migrations, upgrade=upgrade)
    return [DeploymentCheck("environment", CheckStatus.OK, "the settings are valid"), *done]


def _report(steps: Sequence[DeploymentCheck], *, json: bool) -> None:
    from eggypro_cli.tables import pair_table
    from eggypro_core.deployment import CheckStatus
    from eggypro_core.serializers import deployment_body

    lines = [(one.name, f"{one.status:<8}  {one.detail}".rstrip()) for one in steps]
    print_body(deployment_body(steps), lambda: [pair_table(lines)], json=json)
    outcomes = {one.status for one in steps}
    if CheckStatus.PENDING in outcomes and not json:
        print_message("Run `eggypro deploy` to apply the migrations.")
    if CheckStatus.FAILED in outcomes:
        raise typer.Exit(UNAVAILABLE_EXIT_CODE)
    if CheckStatus.PENDING in outcomes:
        raise typer.Exit(1)
