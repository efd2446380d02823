"""The addresses of pictures that shops' files name, and what becomes of them."""

import re
from collections.abc import Iterable

from eggypro_adapters.files.cell_parsers import truncate
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_core.domain.image import PRODUCT_IMAGE_FOLDER
from eggypro_core.validation.fields import escape_control

_MAX_IMAGES = 50
_MAX_ALT_LENGTH = 255
_MAX_URL_LENGTH = 2048
_HTTPS_URL = re.compile(r"""https://[^\s/"<>\\^`{|}\x00-\x1f][^\s"<>\\^`{|}\x00-\x1f]*""")
_OWN_IMAGE_PATH = re.compile(f"/images/{PRODUCT_IMAGE_FOLDER}/[a-z0-9_-]+/[a-z0-9]+")
"""The address of an image that a shop serves itself: the shop knows whether it has it."""
_SCHEME = re.compile(r"\A(https?:)?//", re.IGNORECASE)


def https_url(text: str) -> str | None:
    """Return the https address that a text names, None where it is no absolute address."""
    found = text if text.startswith("https:") else _SCHEME.sub("https://", text, count=1)
    return found if len(found) <= _MAX_URL_LENGTH and _HTTPS_URL.fullmatch(found) else None


def product_images(
    named: Iterable[tuple[str, str]], notes: RowMessages
) -> list[dict[str, str | None]]:
    """Return the images of a product, named by address and alt text, each once.

    It is warned of what is left out.
    """
    found: dict[str, str | None] = {}
    warnings = []
    for text, alt in named:
        ref = text if _OWN_IMAGE_PATH.fullmatch(text) else https_url(text)
        if ref is None:
            warnings.append(f"'{escape_control(text)}' is not an absolute address: left out")
        elif ref not in found:
            found[ref] = truncate(alt, _MAX_ALT_LENGTH) or None
            if len(alt) > _MAX_ALT_LENGTH:
                warnings.append(
                    f"The alt text of an image is longer than {_MAX_ALT_LENGTH} characters: cut"
                )
    if len(found) > _MAX_IMAGES:
        warnings.append(f"{len(found)} images: the first {_MAX_IMAGES} are kept")
    for message in dict.fromkeys(warnings):
        notes.add_warning("images", message)
    return [{"ref": ref, "alt": alt} for ref, alt in found.items()][:_MAX_IMAGES]
