"""Parse the addresses of images in files of other shops."""

import re

from eggypro_core.validation.fields import MAX_URL_LENGTH, is_https_url

_INVALID = re.compile(r"""[\s"<>\\^`{|}\x00-\x1f]""")
_SCHEME = re.compile(r"\A(https?:)?//", re.IGNORECASE)


def https_url(text: str) -> str | None:
    """Return the https URL of a text, or None if it is not an absolute URL."""
    url = text if text.startswith("https:") else _SCHEME.sub("https://", text, count=1)
    is_valid = len(url) <= MAX_URL_LENGTH and not _INVALID.search(url) and is_https_url(url)
    return url if is_valid else None


def image_ref(text: str) -> str:
    """Return the https URL of an image, or the text itself if it is not an absolute URL."""
    return https_url(text) or text
