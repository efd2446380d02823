"""What a write says of a field that it leaves alone: nothing, which is not the same as None."""

from collections.abc import Callable
from enum import Enum
from typing import Final, Literal, TypeVar

from eggypro_core.validation.fields import nullable, shape_of, shaped

T = TypeVar("T")


class _Unset(Enum):
    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset.UNSET
"""The value of a field that a write leaves as it is."""
Unset = Literal[_Unset.UNSET]


def or_none(rule: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return the rule that also takes None: in a merge patch, it takes away."""

    def none_or(value: object) -> T | None:
        return None if value is None else rule(value)

    return shaped(none_or, nullable(shape_of(rule)))
