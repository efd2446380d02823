"""`eggypro env`: check and document the settings."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from eggypro_cli.output import JsonOption, examples, json_line, print_body, write

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Check the settings, or print an example.",
    epilog=examples("env check", "env example > .env.local"),
)


@app.command(epilog=examples("env check", "env check --json"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check all settings.

    Exits with 2 and names every invalid setting, never its value.
    """
    runtime: Runtime = context.obj
    runtime.check_settings()
    print_body({"status": "ok"}, lambda: ["ok"], json=json)


@app.command(epilog=examples("env example > .env.local"))
def example(context: typer.Context, *, json: JsonOption = False) -> None:
    """Print a commented .env.example."""
    runtime: Runtime = context.obj
    text = runtime.settings_example()
    write(json_line({"example": text}) if json else text, sys.stdout)
