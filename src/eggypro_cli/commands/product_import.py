"""`eggypro products import`, and `eggypro seed` for the demo catalogue."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, TextIO

import typer

from eggypro_cli.output import JsonOption, can_show_progress, examples, print_body, print_message

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core import ImportReport, Shop

ImportFormat = Literal["auto", "eggypro-csv", "jsonl", "shopify", "woocommerce"]
ConflictChoice = Literal["update", "skip", "fail"]

IMPORT_EXAMPLES = examples(
    "products import catalogue.csv --dry-run",
    "products import shop.csv --format shopify --report refused.csv",
    "products import - --format jsonl --keep-going < catalogue.jsonl",
)
SEED_EXAMPLES = examples("seed", "seed --json")


def import_products(  # noqa: PLR0913  (one per option)
    context: typer.Context,
    file: Annotated[
        typer.FileBinaryRead,
        typer.Argument(metavar="FILE|-", help="File to import, or - for stdin."),
    ],
    *,
    form: Annotated[
        ImportFormat, typer.Option("--format", help="File format; auto detects it.")
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report the changes without saving them.")
    ] = False,
    on_conflict: Annotated[
        ConflictChoice, typer.Option("--on-conflict", help="How to treat existing products.")
    ] = "update",
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Import valid products, even if others are refused."),
    ] = False,
    report: Annotated[
        typer.FileTextWrite | None,
        typer.Option(
            "--report",
            metavar="FILE",
            lazy=False,
            encoding="utf-8",
            help="Write all refused lines to this CSV: line, field, message.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import products from a file: all of them or none.

    Importing the same file again changes nothing. Exits with 1 if a line was refused.
    """
    from eggypro_core import ConflictPolicy

    runtime: Runtime = context.obj
    with (
        runtime.open_shop() as shop,
        _rollback_message(),
        _with_progress(file, json=json) as stream,
    ):
        result = shop.products.import_file(
            stream,
            file_format=form,
            on_conflict=ConflictPolicy(on_conflict),
            dry_run=dry_run,
            keep_going=keep_going,
        )
    _print_report(result, report, keep_going=keep_going, json=json)


def seed(context: typer.Context, *, json: JsonOption = False) -> None:
    """Load the demo catalogue. Loading it again changes nothing."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop, _rollback_message():
        result = import_demo(shop, runtime)
    _print_report(result, keep_going=False, json=json)


def import_demo(shop: Shop, runtime: Runtime) -> ImportReport:
    """Import the demo catalogue and return the report."""
    with runtime.demo().open("rb") as file:
        return shop.products.import_file(file, file_format="jsonl")


@contextmanager
def _rollback_message() -> Iterator[None]:
    """Report on interruption that the import was rolled back."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        print_message("Interrupted: nothing was imported.")
        raise


@contextmanager
def _with_progress(file: BinaryIO, *, json: bool) -> Iterator[BinaryIO]:
    """Yield the file; show on a terminal how much of it is read."""
    if not can_show_progress(json=json):
        yield file
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        size = os.fstat(file.fileno()).st_size or None  # the size of a pipe is unknown
        task = progress.add_task("Reading", total=size)
        yield progress.wrap_file(file, size, task_id=task)


def _write_report(result: ImportReport, file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("line", "field", "message"))
    writer.writerows((notice.line, notice.field, notice.message) for notice in result.refused)
    file.flush()  # report a full disk here


def _print_report(
    result: ImportReport, report: TextIO | None = None, *, keep_going: bool, json: bool
) -> None:
    """Print the result, and write refused lines to `report`. Exits with 1 if there are any."""
    from eggypro_cli.tables import report_sentence
    from eggypro_core.serializers import import_report_body

    print_body(import_report_body(result), lambda: [report_sentence(result)], json=json)
    if not json:
        print_message(*_messages(result, keep_going=keep_going))
    if report is not None:
        _write_report(result, report)
    if result.refused:
        raise typer.Exit(1)


def _messages(result: ImportReport, *, keep_going: bool) -> Iterator[RenderableType]:
    from eggypro_cli.tables import message_lines

    yield from message_lines("Warnings", result.warnings)
    yield from message_lines("Refused", result.refused)
    if result.dry_run:
        yield "Dry run: nothing was imported."
    if result.refused and not keep_going:
        outcome = "An import would fail" if result.dry_run else "Nothing was imported"
        yield (
            f"{outcome}, because some lines were refused."
            " Correct them, or add --keep-going to import the rest."
        )
