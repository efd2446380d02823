"""`eggypro db`: the schema of the database, from one revision to another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import YesOption
from eggypro_cli.output import JsonOption, ShellError, confirm, examples, print_body, print_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eggypro_cli.runtime import Runtime
    from eggypro_core.serializers import Json

TOOLS = ("pgcli", "psql")
app = typer.Typer(
    help="Bring the schema of the database up, down, and look at it.",
    epilog=examples("db upgrade", "db introspect"),
)

RevisionArgument = Annotated[
    str, typer.Argument(metavar="REVISION", help="A revision, or head for the newest.")
]


@app.command(epilog=examples("db upgrade", "db upgrade 0001"))
def upgrade(
    context: typer.Context, revision: RevisionArgument = "head", *, json: JsonOption = False
) -> None:
    """Bring the database up to a revision. Any number may try at once."""
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
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
    confirm(question, yes=yes, json=json)
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        migrations.downgrade(revision)
        now = migrations.current()
    _show_revision(now, json=json)


@app.command(epilog=examples("db current", "db current --json"))
def current(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the revision that the database is at."""
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        now = migrations.current()
    _show_revision(now, json=json)


@app.command(epilog=examples("db history"))
def history(context: typer.Context, *, json: JsonOption = False) -> None:
    """List every revision, newest first."""
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        revisions = migrations.history()
    from eggypro_cli.tables import pair_table

    body = [{"revision": name, "message": message} for name, message in revisions]
    print_body({"items": body}, lambda: [pair_table(revisions)], json=json)


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
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        path = migrations.create_revision(message)
    print_body({"path": path}, lambda: [path], json=json)


@app.command(epilog=examples("db check"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check that the database has the tables of the code.

    Exits with 1 if not.
    """
    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        differences = migrations.differences()
    same = "The database has the tables of the code."
    print_body({"differences": differences}, lambda: [] if differences else [same], json=json)
    if differences:
        if not json:
            print_message(*differences, "Run `eggypro db upgrade`, or write a revision.")
        raise typer.Exit(1)


@app.command(epilog=examples("db introspect", "db introspect --json"))
def introspect(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the tables, and how they differ from the code.

    Rows are counted about. Exits with 1 if anything differs.
    """
    from eggypro_cli.tables import size_table
    from eggypro_core.serializers import schema_body

    outside: Runtime = context.obj
    with outside.open_migrations() as migrations:
        now, sizes = migrations.current(), migrations.table_sizes()
        differences = migrations.differences()
    same = ["", f"At {now}; all is as the code has it."]
    told = ["", *differences] if differences else same
    print_body(schema_body(now, sizes, differences), lambda: [size_table(sizes), *told], json=json)
    if differences:
        raise typer.Exit(1)


@app.command(epilog=examples("db studio", "db studio --tool psql --write"))
def studio(
    context: typer.Context,
    *,
    tool: Annotated[
        str | None, typer.Option(metavar="PROGRAM", help="The program; else the first there is.")
    ] = None,
    write_too: Annotated[bool, typer.Option("--write", help="Allow changes, too.")] = False,
    json: JsonOption = False,
) -> None:
    """Open the database in a terminal tool: pgcli, or else psql. It may only read.

    With --json it opens nothing, and names the program and the address.
    """
    outside: Runtime = context.obj
    program = _found(tool, outside)
    with outside.libpq_environment() as address:
        shown = {name: value for name, value in address.items() if "PASS" not in name}
        if json:
            body: dict[str, Json] = {
                "program": program,
                "read_only": not write_too,
                "address": shown,
            }
            print_body(body, list, json=True)
            return
        options = "" if write_too else "-c default_transaction_read_only=on"
        given = " ".join(one for one in (address.get("PGOPTIONS"), options) if one)
        code = _opened(program, {**address, "PGOPTIONS": given})
    raise typer.Exit(code)


def _found(tool: str | None, outside: Runtime) -> str:
    """Return the path of a tool, or of the first of those that are known."""
    import shutil

    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, outside.postgres_bin_dirs())])
    for name in [tool] if tool else TOOLS:
        if found := shutil.which(name, path=path):
            return found
    missing = tool or " or ".join(TOOLS)
    raise ShellError(f"There is no {missing} here: `pip install pgcli`, or install psql")


def _opened(program: str, address: Mapping[str, str]) -> int:
    """Run a program on the terminal, whose Ctrl-C is its own."""
    import signal
    import subprocess

    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment = {**os.environ, **address}
    try:
        done = subprocess.run([program], env=environment, check=False)  # noqa: S603  (who asks chose)
    finally:
        signal.signal(signal.SIGINT, former)
    return done.returncode


def _show_revision(now: str | None, *, json: bool) -> None:
    sentence = f"The database is at {now}." if now else "The database is empty."
    print_body({"revision": now}, lambda: [sentence], json=json)
