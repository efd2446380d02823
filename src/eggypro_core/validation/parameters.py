"""Validators of query parameters and command options, whose values are text."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from eggypro_core.validation import fields

E = TypeVar("E", bound=StrEnum)


class Status(StrEnum):
    """A filter by status: active records, archived ones, or both."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    ALL = "all"

    def includes(self, *, is_active: bool) -> bool:
        """Return whether the filter includes active (or else archived) records."""
        return self is Status.ALL or is_active == (self is Status.ACTIVE)


def one_of(name: str, kind: type[E], choices: Iterable[E] | None = None) -> Callable[[object], E]:
    """Return the validator of a member of an enum, given by its value: one of `choices` or any."""
    members = {member.value: member for member in (kind if choices is None else choices)}

    def validate(value: object) -> E:
        member = members.get(str(value))
        if member is None:
            raise fields.InvalidValueError(f"{name} must be one of {', '.join(members)}")
        return member

    return fields.with_schema(validate, {"type": "string", "enum": list(members)})


def integer_param(name: str, minimum: int, maximum: int) -> Callable[[object], int]:
    """Return the validator of an integer as text, from `minimum` to `maximum` (inclusive)."""
    validate_integer = fields.integer_between(name, minimum, maximum)

    def validate(value: object) -> int:
        is_number = isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit()
        return validate_integer(int(str(value)[:20]) if is_number else value)

    return fields.with_schema(validate, fields.schema_of(validate_integer))


def boolean_param(name: str) -> Callable[[object], bool]:
    """Return the validator of `true` or `false`, in any case."""

    def validate(value: object) -> bool:
        word = str(value).lower()
        if word not in {"true", "false"}:
            raise fields.InvalidValueError(f"{name} must be true or false")
        return word == "true"

    return fields.with_schema(validate, {"type": "boolean"})


def amount_param(name: str) -> Callable[[object], Decimal]:
    """Return the validator of an amount of money as text, zero or more."""

    def validate(value: object) -> Decimal:
        amount = fields.decimal(name, value)
        if amount < 0:
            raise fields.InvalidValueError(f"{name} cannot be negative")
        return amount

    return fields.with_schema(validate, {"type": "number", "minimum": 0})


STATUS_VALIDATOR = one_of("Status", Status)
STATUS_PARAMETERS: Mapping[str, fields.Validator] = {"status": STATUS_VALIDATOR}
"""The query parameters of a request for one record."""
DELETE_PARAMETERS: Mapping[str, fields.Validator] = {"permanent": boolean_param("Permanent")}
"""The query parameters of a request that archives or permanently deletes a record."""


def parse_status(params: Mapping[str, object]) -> Status:
    """Return the `status` parameter, by default ACTIVE. Raises ValidationError."""
    if not params:
        return Status.ACTIVE
    values = fields.check(params, STATUS_PARAMETERS)
    status: Status = values.get("status", Status.ACTIVE)
    return status


def query_text(value: object) -> str:
    """Return a value as the text of a query parameter."""
    return str(value).lower() if isinstance(value, bool) else str(value)
