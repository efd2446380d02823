"""Build the variants of a product from its rows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.validation.fields import escape_control


class VariantRow(NamedTuple):
    """A row of a variant: its line, its options, and its other values."""

    line: int
    options: Mapping[str, str]
    values: Mapping[str, object]


def variants_from_rows(
    rows: Sequence[VariantRow], messages: RowMessages
) -> list[dict[str, object]]:
    """Return the import values of the variants, in the order of their rows.

    A variant without options, or with the options of another, is an error.
    """
    lines: dict[tuple[tuple[str, str], ...], int] = {}
    for row in rows:
        key = tuple(sorted((name, " ".join(value.split())) for name, value in row.options.items()))
        first_line = lines.setdefault(key, row.line)
        if first_line != row.line:
            options = ", ".join(f"{name} {value}" for name, value in row.options.items())
            message = (
                f"Lines {first_line} and {row.line} are variants with the same options: "
                f"{escape_control(options) or 'none'}"
            )
            messages.add_error("variants", message)
        elif not key:
            messages.add_error(
                "variants", "The variant has no option value: each needs one", row.line
            )
    return [
        {"options": row.options, "is_active": True, **row.values, "position": position}
        for position, row in enumerate(rows)
    ]
