"""`eggypro stock`: how many of a product there are, set or changed in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.options import SlugArgument, integer
from eggypro_cli.output import JsonOption, examples, print_body

if TYPE_CHECKING:
    from eggypro_cli.runtime import Runtime

app = typer.Typer(
    help="Set the stock of products and variants, or change it.",
    epilog=examples("stock set egg-white 40", "stock adjust egg-white --by -2"),
)
VariantOption = Annotated[
    int | None,
    typer.Option(
        "--variant",
        metavar="ID",
        parser=integer,
        help="One of the product's variants: `variants list` tells their ids.",
    ),
]


@app.command(
    "set",
    epilog=examples(
        "stock set egg-white 40",
        "stock set egg-white 12 --variant 7",
        "stock set egg-white 0 --json",
    ),
    context_settings={"ignore_unknown_options": True},  # -1 is a number, though not a good one
)
def set_stock(
    context: typer.Context,
    slug: SlugArgument,
    quantity: Annotated[
        int, typer.Argument(metavar="N", parser=integer, help="How many there are.")
    ],
    *,
    variant: VariantOption = None,
    json: JsonOption = False,
) -> None:
    """Set the stock of a product, or of one of its variants."""
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
            "--by", metavar="N", parser=integer, help="How many come, or with a minus go."
        ),
    ],
    variant: VariantOption = None,
    json: JsonOption = False,
) -> None:
    """Add to the stock of a product or variant, or take from it.

    It never falls below zero.
    """
    _change(context, slug, variant, {"delta": by}, json=json)


def _change(
    context: typer.Context, slug: str, variant: int | None, values: dict[str, int], *, json: bool
) -> None:
    """Change a stock as `values` say, by the names of the wire, and show what is there then."""
    outside: Runtime = context.obj
    with outside.open_shop() as shop:
        if variant is None:
            stock = shop.products.update_stock(slug, values)
        else:
            stock = shop.variants.update_stock(slug, variant, values)
    named = slug if variant is None else f"{slug}, variant {variant}"
    print_body({"stock_quantity": stock}, lambda: [f"{named}: {stock} in stock"], json=json)
