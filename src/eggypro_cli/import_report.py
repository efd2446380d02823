"""Options, progress, report file and result of imports."""

from __future__ import annotations

import gc
import json as json_module
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer

from eggypro_cli.exit_codes import REJECTED_EXIT_CODE
from eggypro_cli.output import can_show_progress, print_body, print_message

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core import ImportDifference, ImportMessage, ImportReport, Shop
    from eggypro_core.services.importing.recorder import ImportListener, ImportProgress

FileArgument = Annotated[
    typer.FileBinaryRead,
    typer.Argument(metavar="FILE|-", help="File to import, or - for stdin."),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change without saving it.")
]
KeepGoingOption = Annotated[
    bool, typer.Option("--keep-going", help="Import valid lines, even if others are refused.")
]
ReportOption = Annotated[
    typer.FileTextWrite | None,
    typer.Option(
        "--report",
        metavar="FILE",
        lazy=False,
        encoding="utf-8",
        help="Write all refusals, warnings and changes to this file, as JSON lines.",
    ),
]


@contextmanager
def open_import(
    runtime: Runtime,
    file: BinaryIO,
    report: TextIO | None,
    *,
    is_chunked: bool = False,
    json: bool,
) -> Iterator[tuple[Shop, BinaryIO, ImportListener | None, ImportProgress | None]]:
    """Yield the shop, the file to read, the listener that writes the report file, and `progress`.

    Listener and `progress` are None if there is nothing to write or to show. Shows progress on a
    terminal. On interruption, reports whether anything was imported.
    """
    with (
        runtime.open_shop() as shop,
        rollback_message(is_chunked=is_chunked),
        _with_progress(file, json=json) as (stream, progress),
    ):
        gc.freeze()  # the collector then skips all objects that exist before the import
        yield shop, stream, _report_writer(report), progress


@contextmanager
def rollback_message(*, is_chunked: bool = False) -> Iterator[None]:
    """Report on interruption that the import was rolled back."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if is_chunked:
            print_message("Interrupted: some products may be imported. Run the import again.")
        else:
            print_message("Interrupted: nothing was imported.")
        raise


@contextmanager
def _with_progress(
    file: BinaryIO, *, json: bool
) -> Iterator[tuple[BinaryIO, ImportProgress | None]]:
    """Yield the file; show on a terminal how much of it is read, and how many products a second."""
    if not can_show_progress(json=json):
        yield file, None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        size = os.fstat(file.fileno()).st_size or None  # the size of a pipe is unknown
        task = progress.add_task("Reading", total=size, speed="")
        latest = monotonic()
        starts: dict[str, float] = {}

        def show(work: str, count: int) -> None:
            nonlocal latest
            start = starts.setdefault(work, latest)
            latest = monotonic()
            speed = f"{count:,} products, {count / max(latest - start, 0.001):,.0f}/s"
            progress.update(task, description=work, speed=speed)

        yield progress.wrap_file(file, size, task_id=task), show


def _report_writer(file: TextIO | None) -> ImportListener | None:
    """Return a listener that writes each message and difference as a JSON line, if there is a file.

    It raises OSError if the disk is full, which rolls the import back.
    """
    if file is None:
        return None
    from eggypro_core.serializers import import_record_body

    def write(kind: str, record: ImportMessage | ImportDifference) -> None:
        body = {"type": kind, **import_record_body(record)}
        file.write(f"{json_module.dumps(body, ensure_ascii=False)}\n")

    return write


def print_report(
    result: ImportReport,
    file: TextIO | None = None,
    *,
    of_stock: bool = False,
    keep_going: bool = False,
    json: bool,
) -> None:
    """Print the result, and complete the report file. Exits with 1 if lines were refused."""
    from eggypro_cli.tables import import_tables
    from eggypro_core.serializers import import_report_body

    print_body(
        import_report_body(result), lambda: import_tables(result, of_stock=of_stock), json=json
    )
    if not json:
        print_message(*_messages(result, keep_going=keep_going))
    if file is not None:
        file.flush()  # raises the error of a full disk
    if result.refused_total:
        raise typer.Exit(REJECTED_EXIT_CODE)


def _messages(result: ImportReport, *, keep_going: bool) -> Iterator[RenderableType]:
    from eggypro_cli.tables import message_lines

    yield from message_lines("Warnings", result.warnings, result.warning_total)
    yield from message_lines("Refused", result.refused, result.refused_total)
    if result.dry_run:
        yield "Dry run: nothing was imported."
    if result.refused_total and not keep_going:
        outcome = "An import would fail" if result.dry_run else "Nothing was imported"
        yield (
            f"{outcome}, because some lines were refused."
            " Correct them, or add --keep-going to import the rest."
        )
