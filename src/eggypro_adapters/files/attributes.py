"""The attributes that a shop's file gives a product: those that fit."""

from collections.abc import Mapping

from eggypro_adapters.files.row_messages import Notes
from eggypro_core.domain.product import ATTRIBUTES
from eggypro_core.validation.fields import printable

_LONGEST = 1000


def fitting(found: Mapping[str, str], notes: Notes) -> dict[str, str]:
    """Return the attributes that are short enough, as many as there may be; warn of the others."""
    short = dict(found)
    for name in [name for name, value in found.items() if len(value) > _LONGEST]:
        del short[name]
        why = f"{printable(name)} is longer than {_LONGEST} characters: left out"
        notes.warn("attributes", why)
    if len(short) <= ATTRIBUTES:
        return short
    notes.warn("attributes", f"{len(short)} attributes: the first {ATTRIBUTES} are kept")
    return dict(list(short.items())[:ATTRIBUTES])
