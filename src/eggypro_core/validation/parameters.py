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

    def includes(self, *, is_active: bool) -> bool:
        """Whether what is in that state is meant."""
        return self is Status.ALL or is_active == (self is Status.ACTIVE)


def one_of(name: str, choices: type[E]) -> Callable[[object], E]:
    """Return the rule of one of some words."""

    def rule(value: object) -> E:
        try:
            return choices(str(value))
        except ValueError:
            raise fields.InvalidValueError(f"{name} must be one of {', '.join(choices)}") from None

    return fields.with_schema(rule, {"type": "string", "enum": [str(word) for word in choices]})


def integer_param(name: str, minimum: int, maximum: int) -> Callable[[object], int]:
    """Return the rule of a whole number in words, between two bounds that are allowed."""
    bounded = fields.integer_between(name, minimum, maximum)

    def rule(value: object) -> int:
        digits = isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit()
        return bounded(int(str(value)[:20]) if digits else value)

    return fields.with_schema(rule, fields.schema_of(bounded))


def boolean_param(name: str) -> Callable[[object], bool]:
    """Return the rule of `true` or `false`."""

    def rule(value: object) -> bool:
        word = str(value).lower()
        if word not in {"true", "false"}:
            raise fields.InvalidValueError(f"{name} must be true or false")
        return word == "true"

    return fields.with_schema(rule, {"type": "boolean"})


def amount_param(name: str) -> Callable[[object], Decimal]:
    """Return the rule of an amount of money in words, zero or more."""

    def rule(value: object) -> Decimal:
        wanted = fields.decimal(name, value)
        if wanted < 0:
            raise fields.InvalidValueError(f"{name} cannot be negative")
        return wanted

    return fields.with_schema(rule, {"type": "number", "minimum": 0})


STATUS_VALIDATOR = one_of("Status", Status)
STATUS_PARAMETERS: Mapping[str, fields.Validator] = {"status": STATUS_VALIDATOR}
"""What is taken where one thing is shown."""
DELETE_PARAMETERS: Mapping[str, fields.Validator] = {"permanent": boolean_param("Permanent")}
"""What is taken where something is archived, or deleted for good."""


def parse_status(params: Mapping[str, object]) -> Status:
    """Check parameters of which there may be one, `status`. Raises ValidationError."""
    if not params:
        return Status.ACTIVE
    values = fields.check(params, STATUS_PARAMETERS)
    status: Status = values.get("status", Status.ACTIVE)
    return status


def query_text(value: object) -> str:
    """Return a value as the text of the query parameter that is read as it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
