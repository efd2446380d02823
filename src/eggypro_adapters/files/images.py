"""Parse the image URLs of Shopify and WooCommerce files."""

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
"""URL path of an image that this shop serves itself; the import checks that it exists."""
_SCHEME = re.compile(r"\A(https?:)?//", re.IGNORECASE)


def https_url(text: str) -> str | None:
    """Return the https URL of a text, or None if it is not an absolute URL."""
    url = text if text.startswith("https:") else _SCHEME.sub("https://", text, count=1)
    return url if len(url) <= _MAX_URL_LENGTH and _HTTPS_URL.fullmatch(url) else None


def product_images(
    images: Iterable[tuple[str, str]], messages: RowMessages
) -> list[dict[str, str | None]]:
    """Return the images of a product, from pairs of URL and alt text, without duplicates.

    Warns about ignored images and truncated alt texts.
    """
    alts: dict[str, str | None] = {}
    warnings = []
    for text, alt in images:
        ref = text if _OWN_IMAGE_PATH.fullmatch(text) else https_url(text)
        if ref is None:
            warnings.append(f"Image '{escape_control(text)}' is not a valid absolute URL: ignored")
        elif ref not in alts:
            alts[ref] = truncate(alt, _MAX_ALT_LENGTH) or None
            if len(alt) > _MAX_ALT_LENGTH:
                warnings.append(
                    f"An image's alt text is longer than {_MAX_ALT_LENGTH} characters: truncated"
                )
    if len(alts) > _MAX_IMAGES:
        warnings.append(f"{len(alts)} images: only the first {_MAX_IMAGES} are imported")
    for message in dict.fromkeys(warnings):
        messages.add_warning("images", message)
    return [{"ref": ref, "alt": alt} for ref, alt in alts.items()][:_MAX_IMAGES]
