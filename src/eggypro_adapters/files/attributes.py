"""The attributes that a shop's file gives a product: those that fit."""

from collections.abc import Mapping

from eggypro_adapters.files.notes import Notes
from eggypro_core.products import ATTRIBUTES
from eggypro_core.rules import printable

_LONGEST = 1000


def fitting(found: Mapping[str, str], notes: Notes) -> dict[str, str]:
    """Return the attributes that are short enough, as many as there may be; warn of the others."""
    short = {name: value for name, value in found.items() if len(value) <= _LONGEST}
    for name in [name for name in found if name not in short]:
        why = f"{printable(name)} is longer than {_LONGEST} characters: left out"
        notes.warn("attributes", why)
    if len(short) > ATTRIBUTES:
        notes.warn("attributes", f"{len(short)} attributes: the first {ATTRIBUTES} are kept")
    return dict(list(short.items())[:ATTRIBUTES])
