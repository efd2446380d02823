"""Make slugs of the handles in imported files."""

from hashlib import blake2b
from unicodedata import normalize
from urllib.parse import unquote

from eggypro_core.domain.product_changes import PRODUCT_VALIDATORS
from eggypro_core.domain.slug import RESERVED_SLUGS, free_slug, is_slug, slugify
from eggypro_core.services.importing.messages import EntryMessages, shown
from eggypro_core.validation.fields import max_length
from eggypro_core.validation.unset import UNSET

_MAX_SLUG_LENGTH = max_length(PRODUCT_VALIDATORS["slug"])
_MAX_HANDLE = 2000
"""The number of characters of a handle that are used."""


def fit_slug(value: object, messages: EntryMessages) -> object:
    """Return the slug made of a handle; UNSET if it has no letters or digits for one."""
    if not isinstance(value, str):
        return UNSET if value is None else value
    if is_slug(value) and value not in RESERVED_SLUGS:
        return value
    handle = value.strip()[:_MAX_HANDLE]
    if not handle:
        return UNSET
    slug = handle if is_slug(handle) else _make_slug(_decode(handle))
    if not slug:
        message = f"Handle '{shown(value)}' has no letters that a slug can have: made from the name"
        messages.warn("slug", message, value)
        return UNSET
    slug = free_slug(slug, ())
    if slug != handle.lower():
        messages.warn("slug", f"Handle '{shown(value)}' is not a slug: imported as '{slug}'", value)
    return slug


def _make_slug(handle: str) -> str:
    """Return the slug of a handle, with a digest if it loses letters that distinguish it."""
    slug = slugify(handle, fallback="")
    if not slug or not any(letter.isalnum() and not _latin(letter) for letter in handle):
        return slug
    digest = blake2b(normalize("NFC", handle).encode(errors="replace"), digest_size=3).hexdigest()
    return f"{slugify(handle, _MAX_SLUG_LENGTH - 1 - len(digest))}-{digest}"


def _latin(letter: str) -> str:
    return slugify(letter, fallback="")


def _decode(handle: str) -> str:
    """Return the text of a percent-encoded handle; the handle itself if it cannot be decoded."""
    try:
        return unquote(handle, errors="strict")
    except UnicodeDecodeError:
        return handle
