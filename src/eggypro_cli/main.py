"""Entry point of the command line: command groups and the runtime built from settings."""

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
    events,
    health,
    images,
    keys,
    maintenance,
    metrics,
    openapi,
    product_import,
    products,
    reviews,
    search,
    serve,
    stock,
    undo,
    variants,
)
from eggypro_cli.exit_codes import INTERRUPTED_EXIT_CODE
from eggypro_cli.output import examples, output_error, write

if TYPE_CHECKING:
    from typer._click import Command
    from typer.models import TyperInfo

    from eggypro_adapters.settings import Settings
    from eggypro_cli.runtime import Runtime
    from eggypro_core import EggyProError, Shop, TokenService
    from eggypro_core.operations.backups import Backups
    from eggypro_core.operations.health import Check
    from eggypro_core.operations.migrations import Migrations
    from eggypro_http.config import HttpConfig

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
    """Runtime built from the environment and the `.env` files."""

    def open_shop(self) -> Shop:
        """Connect to all services."""
        import logging

        from eggypro_adapters.wiring import open_shop
        from eggypro_core.domain.origin import Origin, Source

        # Commands report these events themselves; stderr is for their messages only.
        for name in ("psycopg", "eggypro_adapters", "eggypro_core.operations.health"):
            logging.getLogger(name).addHandler(logging.NullHandler())
        return open_shop(_settings(), origin=Origin(f"cli:{_user_name()}", Source.CLI))

    @contextmanager
    def server_factory(self) -> Iterator[Callable[[], tuple[Shop, HttpConfig]]]:
        """Set up logging of this process; yield a factory that opens the shop in each worker."""
        from shutil import rmtree

        from eggypro_adapters.wiring import logs_to_stderr, temporary_metrics_folder
        from eggypro_http.wsgi import open_worker

        settings, colours = _settings(), not os.environ.get("NO_COLOR")
        logs_to_stderr(settings, colours=colours)
        metrics_dir = temporary_metrics_folder()
        try:
            yield partial(open_worker, settings, metrics_dir, colours=colours)
        finally:
            rmtree(metrics_dir, ignore_errors=True)

    def open_migrations(self) -> AbstractContextManager[Migrations]:
        """Connect to the database for migrations."""
        from eggypro_adapters.wiring import open_migrations

        return open_migrations(_settings())

    def replica_check(self) -> Check | None:
        """Return the check that the replica can be read, None if the settings name none."""
        from eggypro_adapters.wiring import replica_check

        return replica_check(_settings())

    def open_backups(self) -> AbstractContextManager[Backups]:
        """Connect to the database for a dump or a restore."""
        from eggypro_adapters.wiring import open_backups

        return open_backups(_settings())

    def libpq_environment(self) -> AbstractContextManager[Mapping[str, str]]:
        """Return the libpq environment variables of the database."""
        from eggypro_adapters.wiring import open_libpq_environment

        return open_libpq_environment(_settings())

    def postgres_bin_dirs(self) -> list[Path]:
        """Return the directories of the embedded Postgres programs."""
        from eggypro_adapters.wiring import postgres_bin_dirs

        return postgres_bin_dirs()

    def tokens(self) -> TokenService:
        """Return the token service of the settings."""
        from eggypro_adapters.wiring import require_tokens

        return require_tokens(_settings())

    def check_settings(self) -> None:
        """Read and validate all settings."""
        _settings()

    def settings_in_force(self) -> Sequence[tuple[str, str, str]]:
        """Return name, value and source of each setting."""
        from eggypro_adapters.settings import (
            Settings,
            locate_variables,
            read_environment,
            settings_in_force,
        )

        variables = read_environment(os.environ, Path.cwd())
        sources = locate_variables(os.environ, Path.cwd())
        rows = settings_in_force(Settings.read(variables), variables, sources)
        return [(row.name, row.value, row.source) for row in rows]

    def settings_warnings(self) -> list[str]:
        """Return warnings about misspelt settings."""
        from eggypro_adapters.settings import read_environment, warn_of_typos

        return warn_of_typos(read_environment(os.environ, Path.cwd()))

    def settings_example(self) -> str:
        """Return a commented `.env.example`."""
        from eggypro_adapters.settings import settings_example

        return settings_example()

    def admin_key_file(self) -> Path | None:
        """Return the path of the generated admin key."""
        from eggypro_adapters.wiring import admin_key_file

        return admin_key_file(_settings())

    def startup_warnings(self) -> list[str]:
        """Return warnings about the settings of a server."""
        from eggypro_adapters.wiring import startup_warnings

        return [*self.settings_warnings(), *startup_warnings(_settings())]

    def demo(self) -> Path:
        """Return the path of the demo catalogue."""
        from eggypro_adapters.wiring import DEMO_CATALOG_PATH

        return DEMO_CATALOG_PATH


def main(args: Sequence[str] | None = None, runtime: Runtime | None = None) -> int:
    """Run a command line and return its exit code. The default runtime reads the settings."""
    _open_streams()
    words = list(sys.argv[1:] if args is None else args)
    try:
        return _run(words, runtime or SettingsRuntime())
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT_CODE


def _run(words: Sequence[str], runtime: Runtime) -> int:
    command = _build_command(words)
    try:
        code: int | None = command.main(
            words or ["--help"], "eggypro", standalone_mode=False, obj=runtime
        )
    except _expected_errors() as error:
        return _print_error(error, words)
    except OSError as error:  # e.g. a full disk while Typer prints help or a report is written
        with suppress(*_expected_errors()):
            write(b"", sys.stdout)  # flush the rest of the buffer, if possible
        return _print_error(output_error(error), words)
    return code or 0


def _build_command(words: Sequence[str]) -> Command:
    """Build the command with the contents of only those groups that are named in `words`.

    Building all groups takes as long as importing Typer, and only completion needs them.
    """
    if "_EGGYPRO_COMPLETE" in os.environ:
        return get_command(app)
    partial_app = copy(app)
    partial_app.registered_groups = [
        group if group.name in words else _without_commands(group)
        for group in app.registered_groups
    ]
    return get_command(partial_app)


def _without_commands(group: TyperInfo) -> TyperInfo:
    """Return a copy of the group without its commands."""
    empty = copy(group)
    empty.typer_instance = copy(group.typer_instance)
    if empty.typer_instance is not None:
        empty.typer_instance.registered_commands = []
    return empty


def _print_error(error: EggyProError | typer.TyperException, words: Sequence[str]) -> int:
    from eggypro_cli.errors import print_error

    return print_error(error, json="--json" in words, command=_command_path(words))


def _command_path(words: Sequence[str]) -> str:
    """Return the command in `words` without its arguments and options."""
    command: object = _build_command(words)
    path = ["eggypro"]
    for word in words:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        path.append(word)
    return " ".join(path)


def _open_streams() -> None:
    """Open /dev/null for streams closed by the shell (`>&-`), so no file reuses their number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _expected_errors() -> tuple[type[EggyProError], type[typer.TyperException]]:
    """Return the errors that become one sentence. Imports the core only when an error occurs."""
    from eggypro_core import EggyProError

    return EggyProError, typer.TyperException


def _settings() -> Settings:
    from eggypro_adapters.settings import Settings, read_environment

    return Settings.read(read_environment(os.environ, Path.cwd()))


def _user_name() -> str:
    """Return the name of the OS user, or the uid if it has none."""
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _show_version(requested: bool) -> None:  # noqa: FBT001  (signature of a Typer callback)
    if requested:
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
    """Serve and manage the product catalogue of an EggyPro shop.

    Every command accepts --json. Exit codes: 0 success, 1 rejected or not found, 2 usage or
    configuration error, 3 service unavailable.
    """


app.command(epilog=serve.EXAMPLES)(serve.serve)
app.command(epilog=openapi.EXAMPLES)(openapi.openapi)
app.command(epilog=product_import.SEED_EXAMPLES)(product_import.seed)
app.command(epilog=health.EXAMPLES)(health.health)
app.command(epilog=undo.EXAMPLES)(undo.undo)
app.command("upkeep", epilog=maintenance.EXAMPLES, hidden=True)(maintenance.run)  # the former name
app.add_typer(products.app, name="products")
app.add_typer(stock.app, name="stock")
app.add_typer(variants.app, name="variants")
app.add_typer(categories.app, name="categories")
app.add_typer(reviews.app, name="reviews")
app.add_typer(search.app, name="search")
app.add_typer(events.app, name="events")
app.add_typer(images.app, name="images")
app.add_typer(cache.app, name="cache")
app.add_typer(metrics.app, name="metrics")
app.add_typer(maintenance.app, name="maintenance")
app.add_typer(auth.app, name="auth")
app.add_typer(keys.app, name="keys")
app.add_typer(db.app, name="db")
app.add_typer(deploy.app, name="deploy")
app.add_typer(env.app, name="env")
