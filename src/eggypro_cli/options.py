"""Arguments and options shared by several command groups."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any, Literal, TypeAlias

import typer

INTEGER = re.compile("[+-]?[0-9]{1,100}")
StatusWord = Literal["active", "archived", "all"]
SortWord = Literal["name", "name-desc", "price-asc", "price-desc", "newest", "rating", "relevance"]
_Command: TypeAlias = Callable[..., None]


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
StatusOption = Annotated[StatusWord, typer.Option("--status", help="Filter by status.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Skip the confirmation prompt.")]

PAGING = {
    "limit": Annotated[
        str | None, typer.Option("--limit", metavar="N", help="Page size: 1-100, default 20.")
    ],
    "offset": Annotated[
        str | None,
        typer.Option("--offset", metavar="N", help="Number of results to skip: 0-10000."),
    ],
    "cursor": Annotated[
        str | None,
        typer.Option(
            "--cursor",
            metavar="CURSOR",
            help="Continue from this cursor (printed at the end of a page).",
        ),
    ],
}
"""Options of every list command."""
PRODUCT_SEARCH = {
    "search": Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Search words.")
    ],
}
PRODUCT_FILTERS = {
    "category": Annotated[
        str | None,
        typer.Option(
            "--category", metavar="SLUG", help="Filter by category, subcategories included."
        ),
    ],
    "in_stock": Annotated[
        bool | None,
        typer.Option(
            "--in-stock/--sold-out", help="Only products in stock, or only sold-out ones."
        ),
    ],
    "min_price": Annotated[
        str | None, typer.Option("--min-price", metavar="AMOUNT", help="Minimum price.")
    ],
    "max_price": Annotated[
        str | None, typer.Option("--max-price", metavar="AMOUNT", help="Maximum price.")
    ],
    "listed": Annotated[
        bool | None,
        typer.Option("--listed/--unlisted", help="Only listed products, or only unlisted ones."),
    ],
}
"""Filters of products, by their names in the HTTP API."""
PRODUCT_PAGING = {
    "sort": Annotated[
        SortWord | None,
        typer.Option("--sort", help="Sort order; default name, or relevance with a search."),
    ],
    **PAGING,
}


def with_options(options: Mapping[str, object]) -> Callable[[_Command], _Command]:
    """Return a decorator that replaces the parameter `options` of a command by these options.

    Typer reads options from the signature; this lets several commands share a table of them.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def run(**arguments: Any) -> None:
            command(options={name: arguments.pop(name) for name in options}, **arguments)

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            option_parameters = [
                parameter.replace(name=name, default=None, annotation=option)
                for name, option in options.items()
            ]
            parameters += option_parameters if parameter.name == "options" else [parameter]
        run.__dict__["__signature__"] = signature.replace(parameters=parameters)
        return run

    return decorate
