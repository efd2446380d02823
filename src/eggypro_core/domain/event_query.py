"""Queries of the event log: the filters of history, and the cursors of the feed."""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from eggypro_core.domain.event import Event, EventType
from eggypro_core.domain.origin import Origin, Source
from eggypro_core.domain.pagination import Parameters
from eggypro_core.errors import (
    FieldError,
    GoneError,
    NotFoundError,
    ParseError,
    ValidationError,
)
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import integer_param, one_of

DEFAULT_EVENT_LIMIT, MAX_EVENT_LIMIT = 100, 1000
DEFAULT_RETENTION_DAYS = 90
LATEST = "latest"
"""The value of `after` that means the end of the log."""
_CURSOR = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?")
_TYPE_PATTERNS = {
    f"{prefix}.*": tuple(kind for kind in EventType if kind.subject_type == prefix)
    for prefix in dict.fromkeys(kind.subject_type for kind in EventType)
}


class Order(StrEnum):
    """The order of events: oldest first, or newest first."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@frozen
class LogPosition:
    """A position in the log: after an event of the batch at `position`; None: after its last."""

    position: int
    event: int | None = None

    @classmethod
    def parse(cls, cursor: str) -> Self:
        """Return the position of a cursor. Raises ParseError."""
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise ParseError(
                f"Invalid cursor '{fields.escape_control(cursor)}': use `next_cursor` of a response"
                f" unchanged, or '{LATEST}'"
            )
        return cls(int(match[1]), None if match[2] is None else int(match[2]))

    @property
    def cursor(self) -> str:
        """Return the cursor of this position."""
        return str(self.position) if self.event is None else f"{self.position}-{self.event}"


START = LogPosition(0)
"""The position before the first event."""


@frozen(kw_only=True)
class EventQuery:
    """A query for a page of events. The constructor does not validate; `parse` does.

    `product` is a current or former slug, or that of a deleted product. `after` is a position, or
    LATEST; in descending order, the events before it follow.
    """

    product: str | None = None
    types: tuple[EventType, ...] | None = None
    actor: str | None = None
    source: Source | None = None
    batch: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: Order = Order.ASCENDING
    after: LogPosition | str | None = None
    limit: int = DEFAULT_EVENT_LIMIT

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query of parameters. Raises ValidationError, and ParseError for a cursor."""
        values = fields.check(params, EVENT_PARAMETERS)
        if "type" in values:
            values["types"] = values.pop("type")
        after = values.get("after")
        if after is not None and after != LATEST:
            values["after"] = LogPosition.parse(after)
        query = cls(**values)
        if query.after == LATEST and query.order is Order.DESCENDING:
            raise ValidationError([FieldError("after", "Newest first, use no cursor at first")])
        return query

    def from_position(self, position: LogPosition) -> Self:
        """Return the query for the events after a position."""
        return evolve(self, after=position)


@frozen
class EventPage:
    """A page of events, and the position after it; None at the end of a descending list."""

    items: tuple[Event, ...]
    next_position: LogPosition | None


@frozen
class Batch:
    """The events of one transaction, or of all transactions of an import in chunks."""

    id: int
    at: datetime
    origin: Origin
    event_count: int


@frozen(kw_only=True)
class BatchQuery:
    """A query for the latest batches, newest first, optionally of a source or before an id."""

    source: Source | None = None
    before: int | None = None
    limit: int = DEFAULT_EVENT_LIMIT

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query of parameters. Raises ValidationError."""
        return cls(**fields.check(params, BATCH_PARAMETERS))


def require_in_log(after: LogPosition, first: int, last: int) -> None:
    """Raise GoneError unless a log from the position `first` to `last` continues after a position.

    An empty log has `first` above `last`.
    """
    if after.position < first - 1:
        raise GoneError(
            "The events after this cursor were deleted after their retention. Read the catalogue"
            " again, and continue from `after=latest`."
        )
    if after.position > last:
        raise GoneError(
            "This cursor is ahead of the log, which was restored from a backup. Read the catalogue"
            " again, and continue from `after=latest`."
        )


def missing_batch_error(batch_id: int, first_id: int | None) -> NotFoundError | GoneError:
    """Return the error for a batch that is not in the log, which begins with `first_id`."""
    if first_id is not None and batch_id < first_id:
        return GoneError(f"The events of batch {batch_id} were deleted after their retention")
    return NotFoundError(f"There is no batch {batch_id}", kind="batch")


def _parse_types(value: object) -> tuple[EventType, ...]:
    """Return the types of a name or pattern: `product.updated`, `product.*`, `*`."""
    text = str(value)
    if text == "*":
        return tuple(EventType)
    if text in _TYPE_PATTERNS:
        return _TYPE_PATTERNS[text]
    try:
        return (EventType(text),)
    except ValueError:
        raise fields.InvalidValueError(
            f"Type must be one of {', '.join([*_TYPE_PATTERNS, *EventType])}"
        ) from None


_TYPES = fields.with_schema(
    _parse_types, {"type": "string", "enum": ["*", *_TYPE_PATTERNS, *map(str, EventType)]}
)
EVENT_PARAMETERS: Parameters = {
    "product": fields.slug("Product", 255),
    "type": _TYPES,
    "actor": fields.single_line("Actor", 255),
    "source": one_of("Source", Source),
    "batch": integer_param("Batch", 1, 2**63 - 1),
    "since": fields.time("Since"),
    "until": fields.time("Until"),
    "order": one_of("Order", Order),
    "after": str,
    "limit": integer_param("Limit", 1, MAX_EVENT_LIMIT),
}
"""The query parameters of a page of events."""
BATCH_PARAMETERS: Parameters = {
    "source": one_of("Source", Source),
    "before": integer_param("Before", 1, 2**63 - 1),
    "limit": integer_param("Limit", 1, MAX_EVENT_LIMIT),
}
"""The query parameters of a list of batches."""
