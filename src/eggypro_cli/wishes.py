"""Options and arguments as the core takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import typer

Q = TypeVar("Q")


def query_of(read: Callable[[Mapping[str, object]], Q], wishes: Mapping[str, object]) -> Q:
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


def as_text(argument: str) -> str:
    """Return an argument without bytes that are no text, which a database would not take."""
    return argument.encode(errors="replace").decode()


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
