"""Pages of a list: what one holds, and the opaque cursor that leads to the next."""

import base64
import hashlib
import json
from typing import Generic, Protocol, TypeVar

from attrs import frozen

from eggypro_core.errors import MalformedError

T = TypeVar("T")
Q = TypeVar("Q")
COUNTED = 10_000
"""How far totals are exact. Beyond, a page says `total_capped`."""
HIGHEST_ID = 2_147_483_647
"""No row has a higher id, nor a search a higher score."""


@frozen
class Position:
    """The place behind one row of a sorted list: its sort key, in words, and its id."""

    key: str
    id: int


@frozen(kw_only=True)
class Page(Generic[T, Q]):
    """Some rows of a list, and the query that gives those after them (None: these are the last).

    `total` counts all rows of the list, but no further than COUNTED.
    """

    items: tuple[T, ...]
    total: int
    total_capped: bool
    next: Q | None


class ListQuery(Protocol):
    """A wish for a page of a list: how much of it, from where."""

    @property
    def limit(self) -> int:
        """Return how many rows are wanted at most."""
        ...

    @property
    def offset(self) -> int:
        """Return how many rows are passed over."""
        ...

    @property
    def after(self) -> Position | None:
        """Return the place that the page begins behind, None at the front."""
        ...

    def params(self) -> dict[str, str]:
        """Return the parameters that ask for this page."""
        ...


def cursor_of(position: Position, bound_to: str) -> str:
    """Return the opaque text of a position in the list that `bound_to` describes."""
    seal = _seal(position, bound_to)
    text = json.dumps([seal, position.key, position.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, bound_to: str) -> Position:
    """Return the position that `cursor_of` wrote.

    Raises MalformedError if the text was mended, or belongs to another list: other filters, sort.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        _, key, row = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        position = Position(str(key), int(row))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _no_cursor() from None
    if cursor != cursor_of(position, bound_to) or not 0 <= position.id <= HIGHEST_ID:
        raise _no_cursor()
    return position


def _seal(position: Position, bound_to: str) -> str:
    # No secret is needed: a cursor gives nothing that the filters do not give. This tells mistakes.
    text = json.dumps([bound_to, position.key, position.id])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _no_cursor() -> MalformedError:
    return MalformedError(
        "The cursor does not belong to this list. Follow `next` of a page as it is."
    )
