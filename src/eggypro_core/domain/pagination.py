"""Keyset pagination: list queries, pages, and opaque cursors."""

import base64
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar

from attrs import evolve, fields_dict, frozen

from eggypro_core.errors import FieldError, ParseError
from eggypro_core.validation import fields
from eggypro_core.validation.parameters import integer_param, query_text

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
"""The most items of a page that a request can ask for."""
MAX_EXACT_TOTAL = 10_000
"""The highest exact total of most lists. The page of a longer one has `total_capped` set."""
MAX_ID = 2_147_483_647
"""The highest id of a row, and the highest relevance of a search result."""
Parameters: TypeAlias = Mapping[str, fields.Validator]
"""Validators of query parameters by name."""
PAGE_PARAMETERS: Parameters = {
    "limit": integer_param("Limit", 1, MAX_LIMIT),
    "offset": integer_param("Offset", 0, 10_000),
    "cursor": str,
}
"""The query parameters of every list."""


class Identified(Protocol):
    """An item of a list."""

    @property
    def id(self) -> int:
        """Return the id, which is unique in the list."""
        ...


T = TypeVar("T")
Q = TypeVar("Q", bound="ListQuery[Any, Any]")
Item = TypeVar("Item", bound=Identified)
Key = TypeVar("Key")
Row = TypeVar("Row")


@frozen
class CursorPosition:
    """The position after a row of a sorted list: the row's sort key as text, and its id."""

    key: str
    id: int


@frozen(kw_only=True)
class ListQuery(ABC, Generic[Item, Key]):
    """A query for one page of a list. The constructor does not validate; `parse` does.

    Each list has a subclass: its fields are the filters and the sort order, named like their
    parameters, and `_sort_key` returns the sort key. Rows with equal keys are sorted by id.
    """

    parameters: ClassVar[Parameters] = PAGE_PARAMETERS
    """The query parameters that `parse` accepts."""
    _field_by_parameter: ClassVar[Mapping[str, str]] = {}
    """The fields of parameters that have another name than their field."""
    page_fields: ClassVar[frozenset[str]] = frozenset({"limit", "offset", "after"})
    """Fields that may differ between pages of a list. A cursor is bound to all other fields."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: CursorPosition | None = None

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query given by query parameters or command options.

        Raises ValidationError with all errors, ParseError for a cursor of another list.
        """
        return cls._parse(params, cls.parameters)

    @property
    def descending(self) -> bool:
        """Return whether the greatest sort key comes first."""
        return False

    @property
    def max_total(self) -> int:
        """Return the highest exact total of this list."""
        return MAX_EXACT_TOTAL

    def after_item(self, item: Item, key: Key | None = None) -> Self:
        """Return the query for the page after an item.

        `key` is the sort key if it is not part of the item, such as the relevance.
        """
        text = self._format_key(self._sort_key(item) if key is None else key)
        return evolve(self, offset=0, after=CursorPosition(text, item.id))

    def start_key(self) -> tuple[Key, int]:
        """Return the sort key and the id after which the page starts. Raises ValueError."""
        if self.after is None:
            raise ValueError("this query starts at the first row")
        return self._parse_key(self.after.key), self.after.id

    def params(self) -> dict[str, str]:
        """Return the parameters from which `parse` returns this query, without defaults."""
        params = {}
        for name, default in _parameter_defaults(type(self)):
            value = getattr(self, name)
            if value != (default(self) if callable(default) else default):
                params[name] = query_text(value)
        if self.after is not None:
            params["cursor"] = encode_cursor(self.after, self._fingerprint())
        return params

    @classmethod
    def _parse(
        cls,
        params: Mapping[str, object],
        parameters: Parameters,
        *,
        required: Collection[str] = (),
        errors: Sequence[FieldError] = (),
        **path: Any,
    ) -> Self:
        """Return the query given by parameters and by the fields of the URL `path`."""
        if "cursor" in params and "offset" in params:
            errors = [_OFFSET_AND_CURSOR, *errors]
        values = fields.check(params, parameters, required=required, errors=errors)
        cursor = values.pop("cursor", None)
        for name, field in cls._field_by_parameter.items():
            if name in values:
                values[field] = values.pop(name)
        values |= path
        query = cls(**values)
        return query if cursor is None else query._after_cursor(cursor)

    def _after_cursor(self, cursor: str) -> Self:
        query = evolve(self, after=decode_cursor(cursor, self._fingerprint()))
        try:
            query.start_key()
        except (ValueError, ArithmeticError):
            raise _invalid_cursor() from None
        return query

    def _fingerprint(self) -> str:
        """Return a text that is different for every combination of list, filters and sort."""
        values = [getattr(self, name) for name in _bound_fields(type(self))]
        return _JSON.encode([type(self).__name__, *values])

    @abstractmethod
    def _sort_key(self, item: Item) -> Key:
        """Return the sort key of an item."""

    @abstractmethod
    def _parse_key(self, text: str) -> Key:
        """Return the sort key formatted by `_format_key`. Raises ValueError if it is invalid."""

    def _format_key(self, key: Key) -> str:
        return key.isoformat() if isinstance(key, datetime) else str(key)


@frozen(kw_only=True)
class Page(Generic[T, Q]):
    """A page of a list, and the query for the next page (None on the last page).

    `total` is the number of rows in the whole list, at most `max_total` of the query.
    """

    items: tuple[T, ...]
    total: int
    total_capped: bool
    next_query: Q | None

    @classmethod
    def from_rows(
        cls,
        query: Q,
        rows: Sequence[Row],
        *,
        total: int,
        item_of: Callable[[Row], T],
        key_of: Callable[[Row], object] | None = None,
    ) -> "Page[T, Q]":
        """Return the page of a query, given its rows and one more if a next page exists.

        A `total` above `max_total` of the query need not be exact. `key_of` returns the sort key
        of a row if it is not part of the item.
        """
        items = tuple(map(item_of, rows[: query.limit]))
        next_query = None
        if len(rows) > query.limit:
            key = None if key_of is None else key_of(rows[query.limit - 1])
            next_query = query.after_item(items[-1], key)
        return cls(
            items=items,
            total=min(total, query.max_total),
            total_capped=total > query.max_total,
            next_query=next_query,
        )


def is_id(number: int) -> bool:
    """Return whether a number is a possible id of a row."""
    return 0 < number <= MAX_ID


def parse_text_key(text: str) -> str:
    """Parse a text sort key. Raises ValueError if no row can have it."""
    if not fields.is_clean(text):
        raise ValueError("no row has such a key")
    return text


def parse_integer_key(text: str) -> int:
    """Parse a non-negative integer sort key. Raises ValueError if no row can have it."""
    key = int(text)
    if not 0 <= key <= MAX_ID:
        raise ValueError("no row has such a key")
    return key


def parse_time_key(text: str) -> datetime:
    """Parse a sort key that is an aware datetime. Raises ValueError if no row can have it."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("not an aware datetime")
    return time


def encode_cursor(position: CursorPosition, fingerprint: str) -> str:
    """Return the cursor of a position in the list that has this fingerprint."""
    text = _JSON.encode([_checksum(position, fingerprint), position.key, position.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, fingerprint: str) -> CursorPosition:
    """Return the position that `encode_cursor` encoded.

    Raises ParseError if the cursor was altered or belongs to another list, filter or sort order.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        _, key, row_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        position = CursorPosition(str(key), int(row_id))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _invalid_cursor() from None
    if cursor != encode_cursor(position, fingerprint) or not 0 <= position.id <= MAX_ID:
        raise _invalid_cursor()
    return position


def _checksum(position: CursorPosition, fingerprint: str) -> str:
    # Without a secret: a cursor grants no access beyond the filters. This only detects mistakes.
    text = json.dumps([fingerprint, position.key, position.id])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _invalid_cursor() -> ParseError:
    return ParseError(
        "The cursor does not belong to this list. Use the `next` of a page unchanged."
    )


_OFFSET_AND_CURSOR = FieldError("offset", "Offset cannot be given together with a cursor")
_JSON = json.JSONEncoder(separators=(",", ":"), default=str)


@cache
def _bound_fields(query_type: type[ListQuery[Any, Any]]) -> tuple[str, ...]:
    """Return the names of the fields that a cursor is bound to."""
    return tuple(name for name in fields_dict(query_type) if name not in query_type.page_fields)


@cache
def _parameter_defaults(query_type: type[ListQuery[Any, Any]]) -> tuple[tuple[str, Any], ...]:
    """Return the fields that are query parameters: name and default, or its factory."""
    attributes = fields_dict(query_type)
    defaults = [
        (name, attributes[name].default) for name in query_type.parameters if name in attributes
    ]
    return tuple((name, getattr(default, "factory", default)) for name, default in defaults)
