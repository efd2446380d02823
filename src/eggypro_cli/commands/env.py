"""`eggypro env`: check and document the settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, json_line, print_body, print_message, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core.serializers import Json

app = typer.Typer(
    help="Check the settings, or print an example.",
    epilog=examples("env check", "env example > .env.local"),
)


@app.command(epilog=examples("env check", "env check --json"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check all settings, and show those in force and their sources.

    Secrets are masked. Exits with 2 and names every invalid setting, never its value. Warns of
    variables that may be misspelt settings.
    """
    from eggypro_cli.tables import setting_table

    runtime: Runtime = context.obj
    warnings = runtime.settings_warnings()
    if warnings and not json:
        print_message(*warnings)
    rows = runtime.settings_in_force()
    settings: list[Json] = [
        {"name": name, "value": value, "source": source} for name, value, source in rows
    ]
    body: dict[str, Json] = {"status": "ok", "settings": settings, "warnings": [*warnings]}
    print_body(body, lambda: [setting_table(rows), "ok"], json=json)


@app.command(epilog=examples("env example > .env.local"))
def example(context: typer.Context, *, json: JsonOption = False) -> None:
    """Print a commented .env.example."""
    runtime: Runtime = context.obj
    text = runtime.settings_example()
    write(json_line({"example": text}) if json else text, sys.stdout)
