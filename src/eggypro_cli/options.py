"""Arguments and options that several groups of commands share."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import typer

WHOLE = re.compile("[+-]?[0-9]{1,100}")
StatusWord = Literal["active", "archived", "all"]


def integer(text: str) -> int:
    """Return a whole number as it is typed. What it may be is for the domain to say."""
    if not WHOLE.fullmatch(text):
        raise typer.BadParameter("a whole number of at most 100 digits is needed")
    return int(text)


SlugArgument = Annotated[
    str,
    typer.Argument(
        metavar="SLUG",
        help="The product's slug.",
        # An argument may hold bytes that are no text, which a database would not take.
        callback=lambda slug: slug.encode(errors="replace").decode(),
    ),
]
VariantArgument = Annotated[
    int,
    typer.Argument(
        metavar="ID", parser=integer, help="The variant's id: `variants list` tells it."
    ),
]
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--version",
        metavar="N",
        parser=integer,
        help="Only if the product is at this version still: `products show` tells it.",
    ),
]
StatusOption = Annotated[
    StatusWord, typer.Option("--status", help="Those on sale, archived ones, or both.")
]
LimitOption = Annotated[
    str | None, typer.Option("--limit", metavar="N", help="How many to show: 1-100, else 20.")
]
OffsetOption = Annotated[
    str | None, typer.Option("--offset", metavar="N", help="How many to pass over: 0-10000.")
]
CursorOption = Annotated[
    str | None,
    typer.Option("--cursor", metavar="CURSOR", help="The place that a page says it goes on at."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without being asked.")]
