"""The UNSET value of fields that a write leaves unchanged, as opposed to None."""

from collections.abc import Callable
from enum import Enum
from typing import Final, Literal, TypeVar

from eggypro_core.validation.fields import nullable_schema, schema_of, with_schema

T = TypeVar("T")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset.UNSET
"""The value of a field that a write leaves unchanged."""
Unset = Literal[_Unset.UNSET]


def nullable(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the validator that also accepts None, which removes a member in a merge patch."""

    def validate(value: object) -> T | None:
        return None if value is None else validator(value)

    return with_schema(validate, nullable_schema(schema_of(validator)))
