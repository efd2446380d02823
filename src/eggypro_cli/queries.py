"""Parsing of list options into queries, and lookup by former slugs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from eggypro_cli.output import print_message

T = TypeVar("T")


def parse_query(parse: Callable[[Mapping[str, object]], T], options: Mapping[str, object]) -> T:
    """Parse options into a query; None means not set. Raises BadParameter for invalid values."""
    from eggypro_core import ParseError, ValidationError

    parameters = {name: _parameter(value) for name, value in options.items() if value is not None}
    try:
        return parse(parameters)
    except ValidationError as invalid:
        reasons = "; ".join(error.message for error in invalid.errors)
        raise typer.BadParameter(reasons) from None
    except ParseError as error:
        raise typer.BadParameter(str(error)) from None


def follow_slug(slug: str, get: Callable[[str], T]) -> T:
    """Return `get(slug)`; for a former slug, report the current one on stderr and use that."""
    from eggypro_core import SlugMovedError

    try:
        return get(slug)
    except SlugMovedError as moved:
        print_message(f"'{slug}' is a former slug of '{moved.slug}', shown here.")
        return get(moved.slug)


def _parameter(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
