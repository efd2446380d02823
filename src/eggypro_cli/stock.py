"""`eggypro stock`: how many of a product there are, set or changed in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from eggypro_cli.arguments import SlugArgument, whole_number
from eggypro_cli.console import JsonOption, examples, show

if TYPE_CHECKING:
    from eggypro_cli.outside import Outside

app = typer.Typer(help="Set the stock of products, add to it, take from it.")


@app.command(
    "set",
    epilog=examples("stock set egg-white 40", "stock set egg-white 0 --json"),
    context_settings={"ignore_unknown_options": True},  # -1 is a number, though not a good one
)
def set_stock(
    context: typer.Context,
    slug: SlugArgument,
    quantity: Annotated[
        int, typer.Argument(metavar="N", parser=whole_number, help="How many there are.")
    ],
    *,
    json: JsonOption = False,
) -> None:
    """Set the stock of a product."""
    outside: Outside = context.obj
    with outside.open() as eggypro:
        stock = eggypro.catalog.set_stock(slug, quantity)
    _show_stock(slug, stock, json=json)


@app.command(
    "adjust",
    epilog=examples("stock adjust egg-white --by 12", "stock adjust egg-white --by -2"),
)
def adjust_stock(
    context: typer.Context,
    slug: SlugArgument,
    *,
    by: Annotated[
        int,
        typer.Option(
            "--by", metavar="N", parser=whole_number, help="How many come, or with a minus go."
        ),
    ],
    json: JsonOption = False,
) -> None:
    """Add to the stock of a product, or take from it; it never falls below zero."""
    outside: Outside = context.obj
    with outside.open() as eggypro:
        stock = eggypro.catalog.adjust_stock(slug, by)
    _show_stock(slug, stock, json=json)


def _show_stock(slug: str, stock: int, *, json: bool) -> None:
    show({"stock_quantity": stock}, lambda: [f"{slug}: {stock} in stock"], json=json)
