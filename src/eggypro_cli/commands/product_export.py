"""`eggypro products export`: write the catalogue to a file."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal

import typer

from eggypro_cli.options import PRODUCT_FILTERS, SearchOption, StatusOption, with_options
from eggypro_cli.output import (
    JsonOption,
    can_show_progress,
    examples,
    print_body,
    print_message,
    redirect_to_null,
)
from eggypro_cli.queries import parse_query

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

ExportFormat = Literal["eggypro-csv", "jsonl", "shopify", "woocommerce", "google"]

EXPORT_EXAMPLES = examples(
    "products export catalogue.jsonl",
    "products export for-shopify.csv --format shopify --status active",
    "products export feed.tsv --format google",
    "products export bars.csv --category bars --in-stock",
    "products export - --format jsonl | gzip > catalogue.jsonl.gz",
)
_STDOUT = "-"
_FORMAT_BY_SUFFIX: dict[str, ExportFormat] = {".csv": "eggypro-csv"}
_PROGRESS_INTERVAL = 500
"""Products between two updates of the progress display."""


@with_options(PRODUCT_FILTERS)
def export_products(  # noqa: PLR0913  (one per option)
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="File to write, or - for stdout.")
    ] = _STDOUT,
    *,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="File format; default eggypro-csv for .csv, else jsonl."),
    ] = None,
    search: SearchOption = None,
    options: dict[str, object],
    status: StatusOption = "all",
    json: JsonOption = False,
) -> None:
    """Export products with their variants and categories.

    The export is a consistent snapshot. A file is written completely or not at all; an existing
    one is replaced at the end. What the format cannot hold is named at the end, on stderr.
    """
    from eggypro_core import ProductQuery

    query = parse_query(ProductQuery.parse, {**options, "search": search, "status": status})
    runtime: Runtime = context.obj
    file_format = form or _FORMAT_BY_SUFFIX.get(Path(file).suffix.lower(), "jsonl")
    with (
        runtime.open_shop() as shop,
        _open_output(file) as stream,
        _progress(json=json) as progress,
    ):
        report = shop.products.export_file(
            stream, file_format=file_format, query=query, progress=progress
        )
    if report.warnings and (file == _STDOUT or not json):
        print_message(*(f"{warning}." for warning in report.warnings))
    if file != _STDOUT:
        body = {
            "exported": report.exported,
            "format": file_format,
            "file": file,
            "warnings": list(report.warnings),
        }
        print_body(body, lambda: [f"Wrote {report.exported} products to {file}."], json=json)


@contextmanager
def _open_output(file: str) -> Iterator[BinaryIO]:
    """Open the output: stdout, a device or a file. Raises UnavailableError if writing fails."""
    with _translate_errors():
        if file == _STDOUT:
            with _stdout() as stream:
                yield stream
        elif _is_device(file):
            with Path(file).open("wb") as stream:
                yield stream
        else:
            with _replacement(Path(os.path.realpath(file))) as stream:
                yield stream


@contextmanager
def _translate_errors() -> Iterator[None]:
    """Raise UnavailableError for errors of writing."""
    from eggypro_core import UnavailableError

    try:
        yield
    except BrokenPipeError:
        raise UnavailableError(
            "The reader closed the pipe before the export was complete"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UnavailableError(f"Writing the export failed: {reason}") from None


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    """Yield stdout. After an error, drop its buffer, so that exiting does not write it again."""
    sys.stdout.flush()
    try:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    except OSError:
        redirect_to_null(sys.stdout)
        raise


@contextmanager
def _replacement(path: Path) -> Iterator[BinaryIO]:
    """Yield a temporary file that replaces the one at `path` when it is complete."""
    with _temporary_sibling(path) as (descriptor, name):
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(_mode(path))
        Path(name).replace(path)


@contextmanager
def _temporary_sibling(path: Path) -> Iterator[tuple[int, str]]:
    """Create a temporary file in the same directory; delete it at the end if it still exists."""
    from tempfile import mkstemp

    try:
        descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    except OSError as error:
        raise typer.BadParameter(f"Cannot write '{path}': {error.strerror}") from None
    try:
        yield descriptor, name
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()


def _is_device(file: str) -> bool:
    """Return whether a path is a device or pipe, which cannot be replaced by a file."""
    path = Path(file)
    if path.is_dir():
        raise typer.BadParameter(f"'{file}' is a directory")
    return path.exists() and not path.is_file()


def _mode(path: Path) -> int:
    """Return the permissions of a file, or those of a new one if it does not exist."""
    with suppress(FileNotFoundError):
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def _progress(*, json: bool) -> Iterator[Callable[[int], None] | None]:
    """Yield a callback that shows the number of products written, None without a terminal."""
    if not can_show_progress(json=json):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Writing: {task.completed} products"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Writing", total=None)

        def update(count: int) -> None:
            if count % _PROGRESS_INTERVAL == 0:
                progress.update(task, completed=count)

        yield update
