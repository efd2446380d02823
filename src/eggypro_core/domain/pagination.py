"""Pages of lists: the query of one, the page itself, and the opaque cursor to the next."""

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
MAX_EXACT_TOTAL = 10_000
"""Up to here totals are exact. Beyond, a page says `total_capped`."""
MAX_ID = 2_147_483_647
"""No row has a higher id, nor a search a higher score."""
Parameters: TypeAlias = Mapping[str, fields.Validator]
"""Query parameters by name, with the validator of each."""
PAGE_PARAMETERS: Parameters = {
    "limit": integer_param("Limit", 1, 100),
    "offset": integer_param("Offset", 0, 10_000),
    "cursor": str,
}
"""The query parameters of every list."""


class Identified(Protocol):
    """An item of a list."""

    @property
    def id(self) -> int:
        """Return the id that no other item of the list has."""
        ...


T = TypeVar("T")
Q = TypeVar("Q", bound="ListQuery[Any, Any]")
Item = TypeVar("Item", bound=Identified)
Key = TypeVar("Key")
Row = TypeVar("Row")


@frozen
class CursorPosition:
    """The place after one row of a sorted list: its sort key as text, and its id."""

    key: str
    id: int


@frozen(kw_only=True)
class ListQuery(ABC, Generic[Item, Key]):
    """A query for one page of a list. The plain constructor trusts; `parse` checks.

    A list is a subclass: its filters and its sort are fields, by the names of their parameters,
    and `_sort_key` says what it is sorted by. Rows with equal keys are sorted by id.
    """

    parameters: ClassVar[Parameters] = PAGE_PARAMETERS
    """The query parameters that `parse` takes."""
    _field_of: ClassVar[Mapping[str, str]] = {}
    """Fields by those parameters that have another name."""
    unbound: ClassVar[frozenset[str]] = frozenset({"limit", "offset", "after"})
    """Fields that may change from page to page: a cursor is bound to all others."""

    limit: int = DEFAULT_LIMIT
    offset: int = 0
    after: CursorPosition | None = None

    @classmethod
    def parse(cls, params: Mapping[str, object]) -> Self:
        """Return the query that query parameters, or options of a command, ask for.

        Raises ValidationError with every fault, ParseError for a cursor of another list.
        """
        return cls._parse(params, cls.parameters)

    @property
    def descending(self) -> bool:
        """Whether the greatest sort key comes first."""
        return False

    def after_item(self, item: Item, key: Key | None = None) -> Self:
        """Return the query for the page after an item.

        `key` is its sort key where the item does not show it, such as its relevance.
        """
        text = self._format_key(self._sort_key(item) if key is None else key)
        return evolve(self, offset=0, after=CursorPosition(text, item.id))

    def start_key(self) -> tuple[Key, int]:
        """Return the sort key and the id after which the page starts."""
        if self.after is None:
            raise ValueError("this query starts at the first row")
        return self._parse_key(self.after.key), self.after.id

    def params(self) -> dict[str, str]:
        """Return the parameters that `parse` reads as this query, without defaults."""
        params = {}
        for name, default in _shown_fields(type(self)):
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
        """Return the query of parameters and of the fields that the `path` gives."""
        if "cursor" in params and "offset" in params:
            errors = [_OFFSET_AND_CURSOR, *errors]
        values = fields.check(params, parameters, required=required, errors=errors)
        cursor = values.pop("cursor", None)
        for name, field in cls._field_of.items():
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
            raise _foreign_cursor() from None
        return query

    def _fingerprint(self) -> str:
        """Return a text that differs from that of any list with another filter or sort."""
        values = [getattr(self, name) for name in _bound_fields(type(self))]
        return _JSON.encode([type(self).__name__, *values])

    @abstractmethod
    def _sort_key(self, item: Item) -> Key:
        """Return what the list compares of an item."""

    @abstractmethod
    def _parse_key(self, text: str) -> Key:
        """Return the sort key that `_format_key` wrote. Raises ValueError if no row has it."""

    def _format_key(self, key: Key) -> str:
        return key.isoformat() if isinstance(key, datetime) else str(key)


@frozen(kw_only=True)
class Page(Generic[T, Q]):
    """Some rows of a list, and the query for the next page (None: these are the last).

    `total` counts all rows of the list, up to MAX_EXACT_TOTAL.
    """

    items: tuple[T, ...]
    total: int
    total_capped: bool
    next_query: Q | None

    @classmethod
    def of(
        cls,
        query: Q,
        rows: Sequence[Row],
        *,
        total: int,
        item_of: Callable[[Row], T],
        key_of: Callable[[Row], object] | None = None,
    ) -> "Page[T, Q]":
        """Return the page of a query from its rows: one more than its limit if another follows.

        A `total` above MAX_EXACT_TOTAL need not be exact. `key_of` returns the sort key of a row
        whose item does not show it.
        """
        items = tuple(map(item_of, rows[: query.limit]))
        following = None
        if len(rows) > query.limit:
            key = None if key_of is None else key_of(rows[query.limit - 1])
            following = query.after_item(items[-1], key)
        return cls(
            items=items,
            total=min(total, MAX_EXACT_TOTAL),
            total_capped=total > MAX_EXACT_TOTAL,
            next_query=following,
        )


def is_id(number: int) -> bool:
    """Whether a row can have the id."""
    return 0 < number <= MAX_ID


def text_key(text: str) -> str:
    """Return a sort key that is a text. Raises ValueError if no row can have it."""
    if not fields.is_clean(text):
        raise ValueError("no row has such a key")
    return text


def integer_key(text: str) -> int:
    """Return a sort key that is a number from 0. Raises ValueError if no row can have it."""
    key = int(text)
    if not 0 <= key <= MAX_ID:
        raise ValueError("no row has such a key")
    return key


def time_key(text: str) -> datetime:
    """Return a sort key that is an aware time. Raises ValueError if no row can have it."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("not an aware time")
    return time


def encode_cursor(position: CursorPosition, fingerprint: str) -> str:
    """Return the opaque text of a position in the list that has a fingerprint."""
    seal = _seal(position, fingerprint)
    text = _JSON.encode([seal, position.key, position.id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str, fingerprint: str) -> CursorPosition:
    """Return the position that `encode_cursor` wrote.

    Raises ParseError if the text was altered or belongs to another list: other filters, sort.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        _, key, row = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        position = CursorPosition(str(key), int(row))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise _foreign_cursor() from None
    if cursor != encode_cursor(position, fingerprint) or not 0 <= position.id <= MAX_ID:
        raise _foreign_cursor()
    return position


def _seal(position: CursorPosition, fingerprint: str) -> str:
    # No secret is needed: a cursor opens nothing that the filters do not. It only tells mistakes.
    text = json.dumps([fingerprint, position.key, position.id])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _foreign_cursor() -> ParseError:
    return ParseError("The cursor does not belong to this list. Follow `next` of a page as it is.")


_OFFSET_AND_CURSOR = FieldError("offset", "Offset cannot be given together with a cursor")
_JSON = json.JSONEncoder(separators=(",", ":"), default=str)


@cache
def _bound_fields(kind: type[ListQuery[Any, Any]]) -> tuple[str, ...]:
    """Return the names of the fields that a cursor is bound to."""
    return tuple(name for name in fields_dict(kind) if name not in kind.unbound)


@cache
def _shown_fields(kind: type[ListQuery[Any, Any]]) -> tuple[tuple[str, Any], ...]:
    """Return the fields that are query parameters: name and default, or how it is made."""
    fields = fields_dict(kind)
    shown = [(name, fields[name].default) for name in kind.parameters if name in fields]
    return tuple((name, getattr(default, "factory", default)) for name, default in shown)
