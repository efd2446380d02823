"""Arguments and options shared by several command groups."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

INTEGER = re.compile("[+-]?[0-9]{1,100}")
StatusWord = Literal["active", "archived", "all"]


def integer(text: str) -> int:
    """Parse an integer of any size; the core checks its range."""
    if not INTEGER.fullmatch(text):
        raise typer.BadParameter("must be a whole number of at most 100 digits")
    return int(text)


SlugArgument = Annotated[
    str,
    typer.Argument(
        metavar="SLUG",
        help="Product slug.",
        # Arguments may contain invalid UTF-8, which the database would reject.
        callback=lambda slug: slug.encode(errors="replace").decode(),
    ),
]
VariantArgument = Annotated[
    int,
    typer.Argument(metavar="ID", parser=integer, help="Variant id (see `variants list`)."),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--version",
        metavar="N",
        parser=integer,
        help="Fail unless the product has this version (see `products show`).",
    ),
]
SearchOption = Annotated[
    str | None, typer.Option("--search", metavar="WORDS", help="Search words.")
]
CategoryOption = Annotated[
    str | None,
    typer.Option("--category", metavar="SLUG", help="Filter by category, subcategories included."),
]
ListedOption = Annotated[
    bool | None,
    typer.Option("--listed/--unlisted", help="Only listed products, or only unlisted ones."),
]
StockOption = Annotated[
    bool | None,
    typer.Option("--in-stock/--sold-out", help="Only products in stock, or only sold-out ones."),
]
MinPriceOption = Annotated[
    str | None, typer.Option("--min-price", metavar="AMOUNT", help="Minimum price.")
]
MaxPriceOption = Annotated[
    str | None, typer.Option("--max-price", metavar="AMOUNT", help="Maximum price.")
]
StatusOption = Annotated[StatusWord, typer.Option("--status", help="Filter by status.")]
LimitOption = Annotated[
    str | None, typer.Option("--limit", metavar="N", help="Page size: 1-100, default 20.")
]
OffsetOption = Annotated[
    str | None, typer.Option("--offset", metavar="N", help="Number of results to skip: 0-10000.")
]
CursorOption = Annotated[
    str | None,
    typer.Option(
        "--cursor",
        metavar="CURSOR",
        help="Continue from this cursor (printed at the end of a page).",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")]
