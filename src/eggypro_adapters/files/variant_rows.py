"""The variants of one product, put together from rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation.fields import escape_control


class VariantRow(NamedTuple):
    """A variant of a product: the line of its row, what tells it from others, and the rest."""

    line: int
    options: Mapping[str, str]
    values: Mapping[str, object]


def variants_from_rows(
    siblings: Sequence[VariantRow], notes: RowMessages
) -> list[dict[str, object]]:
    """Return the variants in their order, as an import takes them.

    Those that name no option, or the same options as another, are refused.
    """
    lines: dict[tuple[tuple[str, str], ...], int] = {}
    for one in siblings:
        key = tuple(sorted((name, " ".join(value.split())) for name, value in one.options.items()))
        first = lines.setdefault(key, one.line)
        if first != one.line:
            named = ", ".join(f"{name} {value}" for name, value in one.options.items())
            which = escape_control(named) or "none has the value of an option"
            message = f"Lines {first} and {one.line} are one and the same variant: {which}"
            notes.add_error("variants", message)
        elif not key:
            notes.add_error("variants", "The row of a variant has no value of an option", one.line)
    return [
        {"options": one.options, "is_active": True, **one.values, "position": place}
        for place, one in enumerate(siblings)
    ]
