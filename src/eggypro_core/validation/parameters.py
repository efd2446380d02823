"""The parameters of lists, as an address or a command gives them: texts."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from eggypro_core.validation import fields

E = TypeVar("E", bound=StrEnum)


class Status(StrEnum):
    """Which of some things: those on show, those put away, or both."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    ALL = "all"

    def shows(self, *, is_active: bool) -> bool:
        """Whether what is in that state is meant."""
        return self is Status.ALL or is_active == (self is Status.ACTIVE)


def one_of(name: str, words: type[E]) -> Callable[[object], E]:
    """Return the rule of one of some words."""

    def rule(value: object) -> E:
        try:
            return words(str(value))
        except ValueError:
            raise fields.RefusedError(f"{name} must be one of {', '.join(words)}") from None

    return fields.shaped(rule, {"type": "string", "enum": [str(word) for word in words]})


def number(name: str, lowest: int, highest: int) -> Callable[[object], int]:
    """Return the rule of a whole number in words, between two bounds that are allowed."""
    bounded = fields.whole(name, lowest, highest)

    def rule(value: object) -> int:
        digits = isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit()
        return bounded(int(str(value)[:20]) if digits else value)

    return fields.shaped(rule, fields.shape_of(bounded))


def flag(name: str) -> Callable[[object], bool]:
    """Return the rule of `true` or `false`."""

    def rule(value: object) -> bool:
        word = str(value).lower()
        if word not in {"true", "false"}:
            raise fields.RefusedError(f"{name} must be true or false")
        return word == "true"

    return fields.shaped(rule, {"type": "boolean"})


def amount(name: str) -> Callable[[object], Decimal]:
    """Return the rule of an amount of money in words, zero or more."""

    def rule(value: object) -> Decimal:
        wanted = fields.decimal(name, value)
        if wanted < 0:
            raise fields.RefusedError(f"{name} cannot be negative")
        return wanted

    return fields.shaped(rule, {"type": "number", "minimum": 0})


STATUS = one_of("Status", Status)
STATUS_ALONE: Mapping[str, fields.Rule] = {"status": STATUS}
"""What is taken where one thing is shown."""
DELETION: Mapping[str, fields.Rule] = {"permanent": flag("Permanent")}
"""What is taken where something is archived, or deleted for good."""


def read_status(params: Mapping[str, object]) -> Status:
    """Check parameters of which there may be one, `status`. Raises InvalidError."""
    if not params:
        return Status.ACTIVE
    values = fields.check(params, STATUS_ALONE)
    status: Status = values.get("status", Status.ACTIVE)
    return status


def query_text(value: object) -> str:
    """Return a value as the text of the query parameter that is read as it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
