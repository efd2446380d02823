"""`eggypro stock`: set, adjust and import the stock of products and variants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.import_report import (
    DryRunOption,
    FileArgument,
    KeepGoingOption,
    ReportOption,
    open_import,
    print_report,
)
from eggypro_cli.options import SlugArgument, integer
from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Set, adjust or import the stock of products and variants.",
    epilog=examples(
        "stock set egg-white 40",
        "stock adjust egg-white --by -2",
        "stock import inventory_export.csv --dry-run",
    ),
)
VariantOption = Annotated[
    int | None,
    typer.Option(
        "--variant",
        metavar="ID",
        parser=integer,
        help="Variant id (see `variants list`).",
    ),
]


@app.command(
    "set",
    epilog=examples(
        "stock set egg-white 40",
        "stock set egg-white 12 --variant 7",
        "stock set egg-white 0 --json",
    ),
    context_settings={
        "ignore_unknown_options": True
    },  # parse -1 as a number, to reject it with its reason
)
def set_stock(
    context: typer.Context,
    slug: SlugArgument,
    quantity: Annotated[
        int, typer.Argument(metavar="N", parser=integer, help="New stock quantity.")
    ],
    *,
    variant: VariantOption = None,
    json: JsonOption = False,
) -> None:
    """Set the stock of a product or variant."""
    _change(context, slug, variant, {"set": quantity}, json=json)


@app.command(
    "adjust",
    epilog=examples(
        "stock adjust egg-white --by 12",
        "stock adjust egg-white --by -2",
        "stock adjust egg-white --by -2 --variant 7",
    ),
)
def adjust_stock(
    context: typer.Context,
    slug: SlugArgument,
    *,
    by: Annotated[
        int,
        typer.Option(
            "--by", metavar="N", parser=integer, help="Number to add; negative to subtract."
        ),
    ],
    variant: VariantOption = None,
    json: JsonOption = False,
) -> None:
    """Add to or subtract from the stock of a product or variant.

    Fails if the stock would become negative.
    """
    _change(context, slug, variant, {"delta": by}, json=json)


@app.command(
    "import",
    epilog=examples(
        "stock import inventory_export.csv --dry-run",
        "stock import stock.xlsx --report messages.jsonl",
        "stock import - --keep-going < stock.csv",
    ),
)
def import_stock(
    context: typer.Context,
    file: FileArgument,
    *,
    dry_run: DryRunOption = False,
    keep_going: KeepGoingOption = False,
    report: ReportOption = None,
    json: JsonOption = False,
) -> None:
    """Set the stock from a file: all of it or nothing.

    The file is Shopify's inventory file, or any table with a SKU and a quantity. Unknown SKUs are
    ignored with a warning, blank quantities without one. Exits with 1 if a line was refused.
    """
    from eggypro_core import ImportOptions

    options = ImportOptions(dry_run=dry_run, keep_going=keep_going)
    with open_import(context.obj, file, report, json=json) as (shop, stream, listener, _):
        result = shop.products.import_stock_file(stream, options, listener=listener)
    print_report(result, report, of_stock=True, keep_going=keep_going, json=json)


def _change(
    context: typer.Context, slug: str, variant: int | None, values: dict[str, int], *, json: bool
) -> None:
    """Send `values` (the fields of the HTTP API) to the stock, and print the new quantity."""
    runtime: Runtime = context.obj
    with runtime.open_shop() as shop:
        if variant is None:
            stock = shop.products.update_stock(slug, values)
        else:
            stock = shop.variants.update_stock(slug, variant, values)
    name = slug if variant is None else f"{slug}, variant {variant}"
    print_body({"stock_quantity": stock}, lambda: [f"{name}: {stock} in stock"], json=json)
