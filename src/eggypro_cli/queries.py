"""What commands that read have in common: the query that options ask for, former slugs followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from eggypro_cli.output import print_message

T = TypeVar("T")


def parse_query(read: Callable[[Mapping[str, object]], T], wishes: Mapping[str, object]) -> T:
    """Return the query that options ask for; whatever is wrong with them is a matter of usage."""
    from eggypro_core import ParseError, ValidationError

    given = {name: _word(value) for name, value in wishes.items() if value is not None}
    try:
        return read(given)
    except ValidationError as invalid:
        reasons = "; ".join(fault.message for fault in invalid.errors)
        raise typer.BadParameter(reasons) from None
    except ParseError as malformed:
        raise typer.BadParameter(str(malformed)) from None


def follow_slug(slug: str, find: Callable[[str], T]) -> T:
    """Return what is found at the slug of a product, a former one too."""
    from eggypro_core import SlugMovedError

    try:
        return find(slug)
    except SlugMovedError as moved:
        print_message(f"'{slug}' is a former name of '{moved.slug}', shown here.")
        return find(moved.slug)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
