"""Limit the number and length of the attributes of an imported product."""

from collections.abc import Mapping

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.domain.product import MAX_ATTRIBUTES
from eggypro_core.validation.fields import escape_control

_MAX_VALUE_LENGTH = 1000


def fit_attributes(attributes: Mapping[str, str], messages: RowMessages) -> dict[str, str]:
    """Return the first MAX_ATTRIBUTES that are short enough, and warn about the others."""
    short = dict(attributes)
    for name in [name for name, value in attributes.items() if len(value) > _MAX_VALUE_LENGTH]:
        del short[name]
        message = (
            f"Attribute '{escape_control(name)}' is longer than {_MAX_VALUE_LENGTH} characters: "
            "ignored"
        )
        messages.add_warning("attributes", message)
    if len(short) <= MAX_ATTRIBUTES:
        return short
    messages.add_warning(
        "attributes", f"{len(short)} attributes: only the first {MAX_ATTRIBUTES} are imported"
    )
    return dict(list(short.items())[:MAX_ATTRIBUTES])
