"""What a write says of a field that it leaves alone: nothing, which is not the same as None."""

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
"""The value of a field that a write leaves as it is."""
Unset = Literal[_Unset.UNSET]


def nullable(validator: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the rule that also takes None: in a merge patch, it takes away."""

    def none_or(value: object) -> T | None:
        return None if value is None else validator(value)

    return with_schema(none_or, nullable_schema(schema_of(validator)))
