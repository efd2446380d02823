"""Writing the catalogue to a file: `eggypro products export`."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from eggypro_cli.output import JsonOption, discard, examples, print_body, shows_progress

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

WrittenForm = Literal["eggypro-csv", "jsonl", "shopify", "woocommerce"]
ExportedWord = Literal["active", "archived", "all"]

EXPORT_EXAMPLES = examples(
    "products export catalogue.jsonl",
    "products export for-shopify.csv --format shopify --status active",
    "products export - --format jsonl | gzip > catalogue.jsonl.gz",
)
_STDOUT = "-"
_BY_SUFFIX: dict[str, WrittenForm] = {".csv": "eggypro-csv"}
_SHOWN_EVERY = 500


def export_products(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Where to write, or - for stdout.")
    ] = _STDOUT,
    *,
    form: Annotated[
        WrittenForm | None,
        typer.Option("--format", help="What to write; else by the name: .csv ours, or jsonl."),
    ] = None,
    status: Annotated[
        ExportedWord, typer.Option("--status", help="Products on sale, archived ones, or both.")
    ] = "all",
    json: JsonOption = False,
) -> None:
    """Export products with their variants and categories.

    They are as they were at one moment. A file is written whole or not at all; one that is there
    already is replaced at the end.
    """
    from eggypro_core import Status

    outside: Runtime = context.obj
    chosen = form or _BY_SUFFIX.get(Path(file).suffix.lower(), "jsonl")
    with outside.open_shop() as shop, _opened(file) as stream, _progress(json=json) as progress:
        number = shop.products.export_file(
            stream, form=chosen, status=Status(status), progress=progress
        )
    if file != _STDOUT:
        body = {"exported": number, "format": chosen, "file": file}
        print_body(body, lambda: [f"Wrote {number} products to {file}."], json=json)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Open what is written to. Raises UnavailableError where it takes no more."""
    with _sentences():
        if file == _STDOUT:
            with _stdout() as stream:
                yield stream
        elif _is_device(file):
            with Path(file).open("wb") as stream:
                yield stream
        else:
            with _replacing(Path(os.path.realpath(file))) as stream:
                yield stream


@contextmanager
def _sentences() -> Iterator[None]:
    """Say in a sentence why something cannot be written."""
    from eggypro_core import UnavailableError

    try:
        yield
    except BrokenPipeError:
        raise UnavailableError("Whoever read the export has gone before its end") from None
    except OSError as error:
        why = error.strerror or str(error)
        raise UnavailableError(f"The export cannot be written: {why}") from None


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    """Give stdout. What it does not take is not tried again when the process ends."""
    sys.stdout.flush()
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        discard(sys.stdout)
        raise


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a file beside the one at a path, whose place it takes when it is written whole."""
    with _beside(path) as (descriptor, name):
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(_mode(path))
        Path(name).replace(path)


@contextmanager
def _beside(path: Path) -> Iterator[tuple[int, str]]:
    """Make a temporary file beside another, and remove it if it is still there."""
    from tempfile import mkstemp

    try:
        descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise typer.BadParameter(f"'{path}' cannot be written: {error.strerror}") from None
    try:
        yield descriptor, name
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _is_device(file: str) -> bool:
    """Whether a path is neither a file nor free for one: a pipe, say, which cannot be replaced."""
    path = Path(file)
    if path.is_dir():
        raise typer.BadParameter(f"'{file}' is a folder")
    return path.exists() and not path.is_file()


def _mode(path: Path) -> int:
    """Return the permissions of a file: those that it has, or that a new one gets."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _progress(*, json: bool) -> Iterator[Callable[[int], None] | None]:
    """Give what shows on a terminal how many products are written, None where it is not wanted."""
    if not shows_progress(json=json):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Writing: {task.completed} products"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Writing", total=None)

        def show_number(number: int) -> None:
            if number % _SHOWN_EVERY == 0:
                progress.update(task, completed=number)

        yield show_number
