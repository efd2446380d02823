"""What commands that read have in common: the query that options ask for, former slugs followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

from eggypro_cli.output import tell

T = TypeVar("T")


def asked_for(read: Callable[[Mapping[str, object]], T], wishes: Mapping[str, object]) -> T:
    """Return the query that options ask for; whatever is wrong with them is a matter of usage."""
    from eggypro_core import InvalidError, MalformedError

    given = {name: _word(value) for name, value in wishes.items() if value is not None}
    try:
        return read(given)
    except InvalidError as invalid:
        reasons = "; ".join(fault.message for fault in invalid.faults)
        raise typer.BadParameter(reasons) from None
    except MalformedError as malformed:
        raise typer.BadParameter(str(malformed)) from None


def followed(slug: str, find: Callable[[str], T]) -> T:
    """Return what is found at the slug of a product, a former one too."""
    from eggypro_core import MovedError

    try:
        return find(slug)
    except MovedError as moved:
        tell(f"'{slug}' is a former name of '{moved.slug}', shown here.")
        return find(moved.slug)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
