"""`eggypro db`: the schema of the database, from one revision to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.arguments import YesOption
from eggypro_cli.console import JsonOption, examples, require_yes, show, tell

if TYPE_CHECKING:
    from eggypro_cli.outside import Outside

app = typer.Typer(help="Bring the schema of the database up, down, and look at it.")

RevisionArgument = Annotated[
    str, typer.Argument(metavar="REVISION", help="A revision, or head for the newest.")
]


@app.command(epilog=examples("db upgrade", "db upgrade 0001"))
def upgrade(
    context: typer.Context, revision: RevisionArgument = "head", *, json: JsonOption = False
) -> None:
    """Bring the database up to a revision. Any number may try at once."""
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        migrations.upgrade(revision)
        now = migrations.current()
    _show_revision(now, json=json)


@app.command(
    epilog=examples("db downgrade -1", "db downgrade base --yes"),
    context_settings={"ignore_unknown_options": True},  # -1 is a revision
)
def downgrade(
    context: typer.Context,
    revision: Annotated[
        str, typer.Argument(metavar="REVISION", help="A revision, -1 for one back, base for none.")
    ],
    *,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Take the database down to a revision. What the tables above it hold is lost."""
    question = f"Go down to {revision}, and lose what the tables above it hold?"
    require_yes(question, yes=yes, json=json)
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        migrations.downgrade(revision)
        now = migrations.current()
    _show_revision(now, json=json)


@app.command(epilog=examples("db current", "db current --json"))
def current(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the revision that the database is at."""
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        now = migrations.current()
    _show_revision(now, json=json)


@app.command(epilog=examples("db history"))
def history(context: typer.Context, *, json: JsonOption = False) -> None:
    """List every revision, newest first."""
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        revisions = migrations.history()
    from eggypro_cli.tables import pairs

    body = [{"revision": name, "message": message} for name, message in revisions]
    show({"items": body}, lambda: [pairs(revisions)], json=json)


@app.command(epilog=examples("db revision -m 'Products have a weight'"))
def revision(
    context: typer.Context,
    *,
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="What it is for.")
    ],
    json: JsonOption = False,
) -> None:
    """Write the migration from the database to the tables in code."""
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        path = migrations.revision(message)
    show({"path": path}, lambda: [path], json=json)


@app.command(epilog=examples("db check"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check that the tables in code and the database are the same; exits with 1 if not."""
    outside: Outside = context.obj
    with outside.migrations() as migrations:
        differences = migrations.differences()
    same = "The database has the tables of the code."
    show({"differences": differences}, lambda: [] if differences else [same], json=json)
    if differences:
        if not json:
            tell(*differences, "Run `eggypro db upgrade`, or write a revision.")
        raise typer.Exit(1)


def _show_revision(now: str | None, *, json: bool) -> None:
    sentence = f"The database is at {now}." if now else "The database is empty."
    show({"revision": now}, lambda: [sentence], json=json)
