"""The command line, put together: every group of commands, and the world that they work on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.main import get_command

from eggypro_cli.commands import (
    auth,
    cache,
    categories,
    db,
    deploy,
    env,
    health,
    images,
    maintenance,
    metrics,
    openapi,
    product_import,
    products,
    reviews,
    search,
    serve,
    stock,
    variants,
)
from eggypro_cli.output import ShellError, examples, output_error, write

if TYPE_CHECKING:
    from typer._click import Command
    from typer.models import TyperInfo

    from eggypro_adapters.settings import Settings
    from eggypro_cli.runtime import Runtime
    from eggypro_core import EggyProError, Shop, Tokens
    from eggypro_core.operations.migrations import Migrations
    from eggypro_http.config import HttpConfig

INTERRUPTED = 130

app = typer.Typer(
    name="eggypro",
    rich_markup_mode=None,
    epilog=examples(
        "serve --demo",
        "products search 'egg white' --json",
        "products import catalogue.csv --dry-run",
        "db upgrade",
    ),
)


class SettingsRuntime:
    """The world that the environment and the settings files name."""

    def open_shop(self) -> Shop:
        """Connect everything."""
        import logging

        from eggypro_adapters.wiring import open_shop

        # What they have to tell, an error or the answer tells too; stderr is for sentences.
        for name in ("psycopg", "eggypro_adapters", "eggypro_core.operations.health"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        return open_shop(_settings())

    @contextmanager
    def server_factory(self) -> Iterator[Callable[[], tuple[Shop, HttpConfig]]]:
        """Give what connects everything in each process of a server, and set up this one's log."""
        from tempfile import TemporaryDirectory

        from eggypro_adapters.wiring import logs_to_stderr
        from eggypro_http.wsgi import open_worker

        settings, colours = _settings(), not os.environ.get("NO_COLOR")
        logs_to_stderr(settings, colours=colours)
        with TemporaryDirectory(prefix="eggypro-figures-") as figures:
            yield partial(open_worker, settings, Path(figures), colours=colours)

    def open_migrations(self) -> AbstractContextManager[Migrations]:
        """Connect the migrations."""
        from eggypro_adapters.wiring import open_migrations

        return open_migrations(_settings())

    def libpq_environment(self) -> AbstractContextManager[Mapping[str, str]]:
        """Give the address of the database."""
        from eggypro_adapters.wiring import open_address

        return open_address(_settings())

    def postgres_bin_dirs(self) -> list[Path]:
        """Return where the programs of the embedded Postgres are."""
        from eggypro_adapters.wiring import tool_folders

        return tool_folders()

    def tokens(self) -> Tokens:
        """Return the tokens that the settings sign."""
        from eggypro_adapters.wiring import open_tokens

        return open_tokens(_settings())

    def check_settings(self) -> None:
        """Read all settings."""
        _settings()

    def settings_example(self) -> str:
        """Return a commented `.env.example`."""
        from eggypro_adapters.settings import settings_example

        return settings_example()

    def admin_key_file(self) -> Path | None:
        """Return the file of the generated admin key."""
        from eggypro_adapters.wiring import admin_key_file

        return admin_key_file(_settings())

    def startup_warnings(self) -> list[str]:
        """Return what follows from the settings for a server."""
        from eggypro_adapters.wiring import start_notes

        return start_notes(_settings())

    def demo(self) -> Path:
        """Return the file of the demo catalogue."""
        from eggypro_adapters.wiring import DEMO

        return DEMO


def main(args: Sequence[str] | None = None, outside: Runtime | None = None) -> int:
    """Run a command line, on the world that the settings name, and return its exit code."""
    _open_streams()
    words = list(sys.argv[1:] if args is None else args)
    try:
        return _run(words, outside or SettingsRuntime())
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(words: Sequence[str], outside: Runtime) -> int:
    command = _built(words)
    try:
        code: int | None = command.main(
            words or ["--help"], "eggypro", standalone_mode=False, obj=outside
        )
    except _refusals() as error:
        return _refuse(error, words)
    except OSError as error:  # a full disk, say: neither the help nor a report is for `write`
        with suppress(ShellError):
            write(b"", sys.stdout)  # what is left in its buffer, if it takes that
        return _refuse(output_error(error), words)
    return code or 0


def _built(words: Sequence[str]) -> Command:
    """Return the command, with what is in those groups that were typed.

    To build all of them takes as long as to load Typer. Only completion needs them.
    """
    if "_EGGYPRO_COMPLETE" in os.environ:
        return get_command(app)
    needed = copy(app)
    needed.registered_groups = [
        group if group.name in words else _named(group) for group in app.registered_groups
    ]
    return get_command(needed)


def _named(group: TyperInfo) -> TyperInfo:
    """Return a group without what is in it."""
    named = copy(group)
    named.typer_instance = copy(group.typer_instance)
    if named.typer_instance is not None:
        named.typer_instance.registered_commands = []
    return named


def _refuse(error: EggyProError | typer.TyperException, words: Sequence[str]) -> int:
    from eggypro_cli.errors import print_error

    return print_error(error, json="--json" in words, command=_typed(words))


def _typed(words: Sequence[str]) -> str:
    """Return the command that was typed, without what it was given."""
    command: object = _built(words)
    path = ["eggypro"]
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        path.append(word)
    return " ".join(path)


def _open_streams() -> None:
    """Have a stream where the shell closed one (`>&-`): no other file may get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _refusals() -> tuple[type[EggyProError], type[typer.TyperException]]:
    """Return what is refused in a sentence. It is imported when there is something to catch."""
    from eggypro_core import EggyProError

    return EggyProError, typer.TyperException


def _settings() -> Settings:
    from eggypro_adapters.settings import Settings, read_environment

    return Settings.read(read_environment(os.environ, Path.cwd()))


def _show_version(wanted: bool) -> None:  # noqa: FBT001  (Typer calls it so)
    if wanted:
        from importlib.metadata import version

        write(f"eggypro {version('eggypro')}\n", sys.stdout)
        raise typer.Exit


@app.callback()
def eggypro(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Keep the product catalogue of an EggyPro shop: serve it, look at it, load it.

    Every command takes --json. Exit codes: 0 done, 1 refused or not found, 2 wrong usage or
    settings, 3 a service is away.
    """


app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=openapi.EXAMPLES)(openapi.openapi)
app.command(epilog=product_import.SEED_EXAMPLES)(product_import.seed)
app.command(epilog=health.EXAMPLES)(health.health)
app.command("upkeep", epilog=maintenance.EXAMPLES, hidden=True)(maintenance.run)  # its former name
app.add_typer(products.app, name="products")
app.add_typer(stock.app, name="stock")
app.add_typer(variants.app, name="variants")
app.add_typer(categories.app, name="categories")
app.add_typer(reviews.app, name="reviews")
app.add_typer(search.app, name="search")
app.add_typer(images.app, name="images")
app.add_typer(cache.app, name="cache")
app.add_typer(metrics.app, name="metrics")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(auth.app, name="auth")
app.add_typer(db.app, name="db")
app.add_typer(deploy.app, name="deploy")
app.add_typer(env.app, name="env")
