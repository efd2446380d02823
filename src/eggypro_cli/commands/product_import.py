"""`eggypro products import`, and `eggypro seed` for the demo catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eggypro_cli.import_report import (
    DryRunOption,
    FileArgument,
    KeepGoingOption,
    ReportOption,
    open_import,
    print_report,
    rollback_message,
)
from eggypro_cli.output import JsonOption, UsageError, examples

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime
    from eggypro_core import ImportReport, Shop

ImportFormat = Literal[
    "auto",
    "eggypro-csv",
    "jsonl",
    "shopify",
    "shopify-inventory",
    "woocommerce",
    "google",
]
ConflictChoice = Literal["update", "skip", "fail"]
MissingStockChoice = Literal["untracked", "sold-out"]

IMPORT_EXAMPLES = examples(
    "products import catalogue.csv --dry-run",
    "products import shop.csv --format shopify --report messages.jsonl",
    'products import prices.xlsx --map name=Title --map price="Net price"',
    "products import - --format jsonl --keep-going < catalogue.jsonl",
)
SEED_EXAMPLES = examples("seed", "seed --json")


def import_products(  # noqa: PLR0913  (one per option)
    context: typer.Context,
    file: FileArgument,
    *,
    form: Annotated[
        ImportFormat, typer.Option("--format", help="File format; auto detects it.")
    ] = "auto",
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="FIELD=COLUMN",
            help="Column of a field, for a table of no known format. Repeatable.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="NAME",
            help="Shop that the IDs in the file come from; default its format.",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    on_conflict: Annotated[
        ConflictChoice, typer.Option("--on-conflict", help="How to treat existing products.")
    ] = "update",
    keep_going: KeepGoingOption = False,
    chunked: Annotated[
        bool,
        typer.Option(
            "--chunked", help="Commit every 1,000 products, for a shop that sells meanwhile."
        ),
    ] = False,
    no_stock: Annotated[
        bool, typer.Option("--no-stock", help="Leave the stock of known products unchanged.")
    ] = False,
    missing_stock: Annotated[
        MissingStockChoice,
        typer.Option("--missing-stock", help="Stock of new products without a quantity."),
    ] = "untracked",
    keep_variants: Annotated[
        bool, typer.Option("--keep-variants", help="Leave variants on sale that the file lacks.")
    ] = False,
    report: ReportOption = None,
    json: JsonOption = False,
) -> None:
    """Import products from a file: all of them or none.

    Importing the same file again changes nothing. Exits with 1 if a line was refused.
    """
    from eggypro_core import ConflictPolicy, ImportOptions, MissingStock

    options = ImportOptions(
        source=source,
        on_conflict=ConflictPolicy(on_conflict),
        dry_run=dry_run,
        keep_going=keep_going,
        is_chunked=chunked,
        ignore_stock=no_stock,
        missing_stock=MissingStock(missing_stock),
        keep_variants=keep_variants,
    )
    mapping = dict(map(_parse_mapping, map_ or ()))
    with open_import(context.obj, file, report, is_chunked=chunked, json=json) as (
        shop,
        stream,
        listener,
        progress,
    ):
        result = shop.products.import_file(
            stream,
            options,
            file_format=form,
            mapping=mapping,
            listener=listener,
            progress=progress,
        )
    print_report(result, report, keep_going=keep_going, json=json)


def seed(context: typer.Context, *, json: JsonOption = False) -> None:
    """Load the demo catalogue. Loading it again changes nothing."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop, rollback_message():
        result = import_demo(shop, runtime)
    print_report(result, json=json)


def import_demo(shop: Shop, runtime: Runtime) -> ImportReport:
    """Import the demo catalogue and return the report."""
    with runtime.demo().open("rb") as file:
        return shop.products.import_file(file, file_format="jsonl")


def _parse_mapping(text: str) -> tuple[str, str]:
    name, equals, column = text.partition("=")
    if not (name and equals and column):
        raise UsageError(f"--map must be FIELD=COLUMN, such as name=Title, not '{text}'")
    return name, column
