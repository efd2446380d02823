"""`eggypro products export`: write the catalogue to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.options import PRODUCT_FILTERS, PRODUCT_SEARCH, StatusOption, with_options
from eggypro_cli.output import (
    JsonOption,
    can_show_progress,
    examples,
    print_body,
    print_warnings,
)
from eggypro_cli.output_file import STDOUT, open_output
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
_FORMAT_BY_SUFFIX: dict[str, ExportFormat] = {".csv": "eggypro-csv"}
_PROGRESS_INTERVAL = 500
"""Products between two updates of the progress display."""


@with_options(PRODUCT_SEARCH | PRODUCT_FILTERS)
def export_products(
    context: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="File to write, or - for stdout.")
    ] = STDOUT,
    *,
    form: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="File format; default eggypro-csv for .csv, else jsonl."),
    ] = None,
    options: dict[str, object],
    status: StatusOption = "all",
    json: JsonOption = False,
) -> None:
    """Export products with their variants and categories.

    The export is a consistent snapshot. A file is written completely or not at all; an existing
    one is replaced at the end. Warnings on stderr name the data that the format cannot hold.
    """
    from eggypro_core import ProductQuery

    query = parse_query(ProductQuery.parse, {**options, "status": status})
    runtime: Runtime = context.obj
    file_format = form or _FORMAT_BY_SUFFIX.get(Path(file).suffix.lower(), "jsonl")
    with (
        runtime.open_shop() as shop,
        open_output(file, "export") as stream,
        _progress(json=json) as progress,
    ):
        report = shop.products.export_file(
            stream, file_format=file_format, query=query, progress=progress
        )
    if report.warnings and (file == STDOUT or not json):
        print_warnings(report.warnings)
    if file != STDOUT:
        body = {
            "exported": report.exported,
            "format": file_format,
            "file": file,
            "warnings": list(report.warnings),
        }
        print_body(body, lambda: [f"Wrote {report.exported} products to {file}."], json=json)


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
