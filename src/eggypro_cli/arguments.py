"""Arguments and options that several groups of commands share."""

from __future__ import annotations

import re
from typing import Annotated

import typer

WHOLE = re.compile("[+-]?[0-9]{1,100}")


def whole_number(text: str) -> int:
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
VersionOption = Annotated[
    int | None,
    typer.Option(
        "--version",
        metavar="N",
        parser=whole_number,
        help="Only if the product is at this version still: `products show` tells it.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without being asked.")]
