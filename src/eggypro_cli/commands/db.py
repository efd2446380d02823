"""`eggypro db`: migrations and inspection of the database schema."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.commands.backup import DUMP_EXAMPLES, RESTORE_EXAMPLES, dump, restore
from eggypro_cli.exit_codes import REJECTED_EXIT_CODE
from eggypro_cli.options import YesOption
from eggypro_cli.output import JsonOption, ShellError, confirm, examples, print_body, print_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eggypro_cli.runtime import Runtime
    from eggypro_core.serializers import Json

DATABASE_TOOLS = ("pgcli", "psql")
app = typer.Typer(
    help="Migrate, inspect, dump and restore the database.",
    epilog=examples("db upgrade", "db introspect", "db dump shop.eggypro"),
)

RevisionArgument = Annotated[
    str, typer.Argument(metavar="REVISION", help="Revision, or head for the newest.")
]


@app.command(epilog=examples("db upgrade", "db upgrade 0001"))
def upgrade(
    context: typer.Context, revision: RevisionArgument = "head", *, json: JsonOption = False
) -> None:
    """Upgrade the database to a revision. Safe to run concurrently."""
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        migrations.upgrade(revision)
        now = migrations.current()
    _print_revision(now, json=json)


@app.command(
    epilog=examples("db downgrade -1", "db downgrade base --yes"),
    context_settings={"ignore_unknown_options": True},  # -1 is a revision
)
def downgrade(
    context: typer.Context,
    revision: Annotated[
        str,
        typer.Argument(
            metavar="REVISION", help="Revision, -1 for the previous one, base for none."
        ),
    ],
    *,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Downgrade the database to a revision. Data of newer tables is lost."""
    question = f"Downgrade to {revision} and lose the data of newer tables?"
    confirm(question, yes=yes, json=json)
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        migrations.downgrade(revision)
        now = migrations.current()
    _print_revision(now, json=json)


@app.command(epilog=examples("db current", "db current --json"))
def current(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the current revision of the database."""
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        now = migrations.current()
    _print_revision(now, json=json)


@app.command(epilog=examples("db history"))
def history(context: typer.Context, *, json: JsonOption = False) -> None:
    """List all revisions, newest first."""
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        revisions = migrations.history()
    from eggypro_cli.tables import pair_table

    body = [{"revision": name, "message": message} for name, message in revisions]
    print_body({"items": body}, lambda: [pair_table(revisions)], json=json)


@app.command(epilog=examples("db revision -m 'Products have a weight'"))
def revision(
    context: typer.Context,
    *,
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="Title of the revision.")
    ],
    json: JsonOption = False,
) -> None:
    """Generate a migration to the schema in the code."""
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        path = migrations.create_revision(message)
    print_body({"path": path}, lambda: [path], json=json)


@app.command(epilog=examples("db check"))
def check(context: typer.Context, *, json: JsonOption = False) -> None:
    """Check that the database has everything that it needs.

    Lists each missing table, column, key, constraint, index, trigger, function, extension and
    right, with what to do. Exits with 1 if there are differences.
    """
    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        differences = migrations.differences()
    match = "The database matches the schema in the code."
    print_body({"differences": differences}, lambda: [] if differences else [match], json=json)
    if differences:
        if not json:
            print_message(*differences)
        raise typer.Exit(REJECTED_EXIT_CODE)


@app.command(epilog=examples("db introspect", "db introspect --json"))
def introspect(context: typer.Context, *, json: JsonOption = False) -> None:
    """Show the tables and their differences from the code.

    Row counts are estimates. Exits with 1 if there are differences.
    """
    from eggypro_cli.tables import size_table
    from eggypro_core.serializers import schema_body

    runtime: Runtime = context.obj
    with runtime.open_migrations() as migrations:
        now, sizes = migrations.current(), migrations.table_sizes()
        differences = migrations.differences()
    match = f"The database is at {now} and matches the schema in the code."
    lines = ["", *(differences or [match])]
    print_body(schema_body(now, sizes, differences), lambda: [size_table(sizes), *lines], json=json)
    if differences:
        raise typer.Exit(REJECTED_EXIT_CODE)


@app.command(epilog=examples("db studio", "db studio --tool psql --write"))
def studio(
    context: typer.Context,
    *,
    tool: Annotated[
        str | None, typer.Option(metavar="PROGRAM", help="Program to run; default pgcli, or psql.")
    ] = None,
    allow_writes: Annotated[bool, typer.Option("--write", help="Allow writes.")] = False,
    json: JsonOption = False,
) -> None:
    """Open the database in pgcli or psql, read-only by default.

    With --json, prints the program and the address instead.
    """
    runtime: Runtime = context.obj
    program = _find_tool(tool, runtime)
    with runtime.libpq_environment() as address:
        public = {name: value for name, value in address.items() if "PASS" not in name}
        if json:
            body: dict[str, Json] = {
                "program": program,
                "read_only": not allow_writes,
                "address": public,
            }
            print_body(body, list, json=True)
            return
        read_only = "" if allow_writes else "-c default_transaction_read_only=on"
        options = " ".join(filter(None, (address.get("PGOPTIONS"), read_only)))
        code = _run_tool(program, {**address, "PGOPTIONS": options})
    raise typer.Exit(code)


app.command(epilog=DUMP_EXAMPLES)(dump)
app.command(epilog=RESTORE_EXAMPLES)(restore)


def _find_tool(tool: str | None, runtime: Runtime) -> str:
    """Return the path of a tool, by default of the first installed one. Raises ShellError."""
    import shutil

    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, runtime.postgres_bin_dirs())])
    for name in [tool] if tool else DATABASE_TOOLS:
        if program := shutil.which(name, path=path):
            return program
    missing = tool or " or ".join(DATABASE_TOOLS)
    raise ShellError(f"{missing} not found. Install pgcli (`pip install pgcli`) or psql")


def _run_tool(program: str, address: Mapping[str, str]) -> int:
    """Run a program on the terminal, leave Ctrl-C to it, and return its exit code."""
    import signal
    import subprocess

    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment = {**os.environ, **address}
    try:
        process = subprocess.run([program], env=environment, check=False)  # noqa: S603  (the user chose it)
    finally:
        signal.signal(signal.SIGINT, previous)
    return process.returncode


def _print_revision(now: str | None, *, json: bool) -> None:
    sentence = f"The database is at {now}." if now else "The database is empty."
    print_body({"revision": now}, lambda: [sentence], json=json)
