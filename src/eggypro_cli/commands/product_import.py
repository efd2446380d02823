"""Taking in a file of products: `eggypro products import`, and `eggypro seed` for the demo's."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, TextIO

import typer

from eggypro_cli.output import JsonOption, examples, print_body, print_message, shows_progress

if TYPE_CHECKING:
    from rich.console import RenderableType

    from eggypro_cli.runtime import Runtime
    from eggypro_core import ImportReport, Shop

FormWord = Literal["auto", "eggypro-csv", "jsonl", "shopify", "woocommerce"]
ConflictWord = Literal["update", "skip", "fail"]

IMPORT_EXAMPLES = examples(
    "products import catalogue.csv --dry-run",
    "products import shop.csv --format shopify --report refused.csv",
    "products import - --format jsonl --keep-going < catalogue.jsonl",
)
SEED_EXAMPLES = examples("seed", "seed --json")


def import_products(  # noqa: PLR0913  (an option for each way to take in a file)
    context: typer.Context,
    file: Annotated[
        typer.FileBinaryRead, typer.Argument(metavar="FILE|-", help="The file, or - for stdin.")
    ],
    *,
    form: Annotated[
        FormWord, typer.Option("--format", help="What the file is; auto finds out.")
    ] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Keep nothing; say what would change.")
    ] = False,
    on_conflict: Annotated[
        ConflictWord, typer.Option("--on-conflict", help="What to do with known products.")
    ] = "update",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Keep what is good, instead of all or nothing.")
    ] = False,
    report: Annotated[
        typer.FileTextWrite | None,
        typer.Option(
            "--report",
            metavar="FILE",
            lazy=False,
            encoding="utf-8",
            help="Write every refused line there, as CSV: line, field, message.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Import products from a file: all of them or none. The same file twice changes nothing.

    Exits with 1 if anything was refused.
    """
    from eggypro_core import OnConflict

    outside: Runtime = context.obj
    with outside.open_shop() as shop, _all_or_nothing(), _with_progress(file, json=json) as stream:
        result = shop.products.import_file(
            stream,
            form=form,
            on_conflict=OnConflict(on_conflict),
            dry_run=dry_run,
            keep_going=keep_going,
        )
    _show_report(result, report, keep_going=keep_going, json=json)


def seed(context: typer.Context, *, json: JsonOption = False) -> None:
    """Load the demo catalogue. Loading it again changes nothing."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop, _all_or_nothing():
        result = load_demo(shop, outside)
    _show_report(result, keep_going=False, json=json)


def load_demo(shop: Shop, outside: Runtime) -> ImportReport:
    """Load the demo catalogue."""
    with outside.demo().open("rb") as file:
        return shop.products.import_file(file, form="jsonl")


@contextmanager
def _all_or_nothing() -> Iterator[None]:
    """Say what an interrupted load has left behind."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        print_message("Interrupted: nothing was kept.")
        raise


@contextmanager
def _with_progress(file: BinaryIO, *, json: bool) -> Iterator[BinaryIO]:
    """Show on a terminal how much of a file is read."""
    if not shows_progress(json=json):
        yield file
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        size = os.fstat(file.fileno()).st_size or None  # of a pipe, nobody knows it
        task = progress.add_task("Reading", total=size)
        yield progress.wrap_file(file, size, task_id=task)


def _write_report(result: ImportReport, file: TextIO) -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("line", "field", "message"))
    rows.writerows((each.line, each.field, each.message) for each in result.refused)
    file.flush()  # a disk that is full is told now, or never


def _show_report(
    result: ImportReport, report: TextIO | None = None, *, keep_going: bool, json: bool
) -> None:
    """Show what an import did, and write its report. Exits with 1 if anything was refused."""
    from eggypro_cli.tables import report_sentence
    from eggypro_core.serializers import import_report_body

    print_body(import_report_body(result), lambda: [report_sentence(result)], json=json)
    if not json:
        print_message(*_remarks(result, keep_going=keep_going))
    if report is not None:
        _write_report(result, report)
    if result.refused:
        raise typer.Exit(1)


def _remarks(result: ImportReport, *, keep_going: bool) -> Iterator[RenderableType]:
    from eggypro_cli.tables import message_lines

    yield from message_lines("Warnings", result.warnings)
    yield from message_lines("Refused", result.refused)
    if result.dry_run:
        yield "Nothing was kept: this was a dry run."
    if result.refused and not keep_going:
        nothing = "A real run would keep nothing" if result.dry_run else "Nothing was kept"
        yield (
            f"{nothing}, because some lines were refused:"
            " mend them, or add --keep-going to take the others."
        )
