"""Fit imported images and their URLs into the fields of products and variants."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from eggypro_core.domain.image import (
    ORIGINAL,
    PRODUCT_IMAGE_FOLDER,
    RENDITIONS,
    is_external,
    is_public_id,
)
from eggypro_core.domain.product import MAX_IMAGES
from eggypro_core.domain.product_fields import ALT_TEXT
from eggypro_core.services.importing.lists import first_items
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.services.importing.texts import fit_line
from eggypro_core.validation.fields import MAX_URL_LENGTH, is_https_url, max_length
from eggypro_core.validation.unset import UNSET

_MAX_ALT_LENGTH = max_length(ALT_TEXT)
_INVALID = re.compile(r"""[\s"<>\\^`{|}\x00-\x1f\x7f-\x9f\ud800-\udfff]""")
_SCHEME = re.compile("(?:https?:)?//", re.IGNORECASE)
_UNSAFE = re.compile(r'[ "<>\\^`{|}]')
_RENDITION = "|".join([ORIGINAL, *RENDITIONS])
_OWN_IMAGE = re.compile(rf"(?:/images/)?({PRODUCT_IMAGE_FOLDER}/[a-z0-9_-]+)(?:/(?:{_RENDITION}))?")
"""The public ID of an own image, or the path at which this shop serves it."""


def fit_images(value: object, messages: EntryMessages) -> object:
    """Return the images of a product: usable references, each once, with alt text."""
    if not isinstance(value, list | tuple):
        return [] if value is None else value
    images: dict[str, object] = {}
    for item in value:
        ref = item.get("ref") if isinstance(item, Mapping) else item
        usable = _image_ref(ref)
        if usable is None:
            messages.warn("images", f"Image '{shown(ref)}' has no usable address: ignored", ref)
        elif usable not in images:
            images[usable] = _fit_image(item, usable, messages)
    refs = first_items([*images], "images", "images", MAX_IMAGES, messages)
    return [images[ref] for ref in refs]


def fit_image_url(value: object, messages: EntryMessages) -> object:
    """Return the URL of a variant's image, None if it is blank, UNSET if it is unusable."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    url = _https_url(value) if isinstance(value, str) else None
    if url is None:
        messages.warn("image", f"Image '{shown(value)}' has no usable address: ignored", value)
        return UNSET
    return url


def _fit_image(item: object, ref: str, messages: EntryMessages) -> object:
    if not isinstance(item, Mapping):
        return ref
    alt = item.get("alt")
    fitted = (
        fit_line(alt, "images", "Alt text", _MAX_ALT_LENGTH, messages)
        if isinstance(alt, str)
        else None
    )
    return item if item["ref"] == ref and fitted == alt else {"ref": ref, "alt": fitted}


def _image_ref(value: object) -> str | None:
    """Return an https URL or the public ID of an own image; None for any other value."""
    if not isinstance(value, str):
        return None
    if own := None if is_external(value) else _OWN_IMAGE.fullmatch(value):
        return own[1] if is_public_id(own[1]) else None
    return _https_url(value)


def _https_url(text: str) -> str | None:
    """Return an absolute URL as an https URL; None for any other text."""
    if _is_valid(text):
        return text
    if not _SCHEME.match(text := text.strip()):
        return None
    url = _UNSAFE.sub(lambda sign: quote(sign[0]), _SCHEME.sub("https://", text, count=1))
    return url if _is_valid(url) else None


def _is_valid(url: str) -> bool:
    return len(url) <= MAX_URL_LENGTH and not _INVALID.search(url) and is_https_url(url)
