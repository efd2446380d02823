"""The attributes that a shop's file gives a product: those that fit."""

from collections.abc import Mapping

from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.domain.product import MAX_ATTRIBUTES
from eggypro_core.validation.fields import escape_control

_MAX_VALUE_LENGTH = 1000


def fit_attributes(found: Mapping[str, str], notes: RowMessages) -> dict[str, str]:
    """Return the attributes that are short enough, as many as there may be; warn of the others."""
    short = dict(found)
    for name in [name for name, value in found.items() if len(value) > _MAX_VALUE_LENGTH]:
        del short[name]
        why = f"{escape_control(name)} is longer than {_MAX_VALUE_LENGTH} characters: left out"
        notes.add_warning("attributes", why)
    if len(short) <= MAX_ATTRIBUTES:
        return short
    notes.add_warning("attributes", f"{len(short)} attributes: the first {MAX_ATTRIBUTES} are kept")
    return dict(list(short.items())[:MAX_ATTRIBUTES])
