"""The addresses of pictures that shops' files name, and what becomes of them."""

import re
from collections.abc import Iterable

from eggypro_adapters.files.cell_parsers import cut
from eggypro_adapters.files.row_messages import Notes
from eggypro_core.domain.image import FOLDER
from eggypro_core.validation.fields import printable

_MOST = 50
_ALT = 255
_LONGEST = 2048
_ADDRESS = re.compile(r"""https://[^\s/"<>\\^`{|}\x00-\x1f][^\s"<>\\^`{|}\x00-\x1f]*""")
_OWN = re.compile(f"/images/{FOLDER}/[a-z0-9_-]+/[a-z0-9]+")
"""The address of an image that a shop serves itself: the shop knows whether it has it."""
_SCHEME = re.compile(r"\A(https?:)?//", re.IGNORECASE)


def address(text: str) -> str | None:
    """Return the https address that a text names, None where it is no absolute address."""
    found = text if text.startswith("https:") else _SCHEME.sub("https://", text, count=1)
    return found if len(found) <= _LONGEST and _ADDRESS.fullmatch(found) else None


def pictures(named: Iterable[tuple[str, str]], notes: Notes) -> list[dict[str, str | None]]:
    """Return the images of a product, named by address and alt text, each once.

    It is warned of what is left out.
    """
    found: dict[str, str | None] = {}
    warnings = []
    for text, alt in named:
        ref = text if _OWN.fullmatch(text) else address(text)
        if ref is None:
            warnings.append(f"'{printable(text)}' is not an absolute address: left out")
        elif ref not in found:
            found[ref] = cut(alt, _ALT) or None
            if len(alt) > _ALT:
                warnings.append(f"The alt text of an image is longer than {_ALT} characters: cut")
    if len(found) > _MOST:
        warnings.append(f"{len(found)} images: the first {_MOST} are kept")
    for message in dict.fromkeys(warnings):
        notes.warn("images", message)
    return [{"ref": ref, "alt": alt} for ref, alt in found.items()][:_MOST]
