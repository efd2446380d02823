"""`eggypro deploy`: from settings to a database and services that this version can work with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, show, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eggypro_cli.runtime import Outside
    from eggypro_core.deployment import Step

AWAY = 3
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


def _done(outside: Outside, *, upgrade: bool) -> Sequence[Step]:
    from eggypro_core.deployment import Outcome, Step, steps

    outside.check_settings()
    done = steps(outside.open, outside.migrations, upgrade=upgrade)
    return [Step("environment", Outcome.OK, "the settings are valid"), *done]


def _report(steps: Sequence[Step], *, json: bool) -> None:
    from eggypro_cli.tables import pairs
    from eggypro_core.deployment import Outcome
    from eggypro_core.serializers import deployment_body

    lines = [(one.name, f"{one.outcome:<8}  {one.detail}".rstrip()) for one in steps]
    show(deployment_body(steps), lambda: [pairs(lines)], json=json)
    outcomes = {one.outcome for one in steps}
    if Outcome.PENDING in outcomes and not json:
        tell("Run `eggypro deploy` to apply the migrations.")
    if Outcome.FAILED in outcomes:
        raise typer.Exit(AWAY)
    if Outcome.PENDING in outcomes:
        raise typer.Exit(1)
