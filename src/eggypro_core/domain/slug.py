"""Slugs generated from names, and case- and accent-insensitive folding of text."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

import re
from collections.abc import Callable, Collection
from itertools import count
from unicodedata import normalize

from eggypro_core.errors import ConflictError
from eggypro_core.validation.invisible import remove_invisible

RESERVED_SLUGS = frozenset({"search", "suggest"})
"""Slugs that no product may have, because the API uses them in its own URLs."""

_SLUG = re.compile(r"[a-z0-9-]{1,255}")
_NON_SLUG_CHARACTERS = re.compile(r"[^a-z0-9]+")

# The accents of Latin, Greek and Cyrillic. The vowel signs of Thai, Hindi or Arabic are letters
# rather than accents, and are in other blocks.
_ACCENTS = re.compile(r"[\u0300-\u036f\u0483-\u0487\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]")


def _translation_table(*pairs: str) -> dict[int, str]:
    """Return a `str.translate` table from pairs such as "ж=zh"; "ь=" removes the letter."""
    letters = (pair.partition("=") for line in pairs for pair in line.split())
    return {ord(letter): latin for letter, _, latin in letters}


# Letters whose Unicode decomposition differs from the usual transliteration, and characters to
# remove: accents on their own, trade marks, joiners.
_COMPOSED_LETTERS = _translation_table("й=y ѓ=gj ќ=kj µ=u ŀ=l ´= ™= ℠= \u200c= \u200d=")
_SIGNS = _translation_table("'= ’= ‘= ʼ= ʻ= `=") | {ord("&"): " and "}

_LATIN = _translation_table(
    "ß=ss æ=ae œ=oe ø=o ł=l đ=d ð=d þ=th ı=i ȷ=j ŋ=n ħ=h ƒ=f ŧ=t ĸ=k ə=e ǝ=e ɛ=e ɔ=o ɑ=a ƿ=w ȝ=y",
    "ƀ=b ɓ=b ƃ=b ƈ=c ȼ=c ɖ=d ɗ=d ƌ=d ɇ=e ǥ=g ɠ=g ɣ=g ⱨ=h ɨ=i ɩ=i ɪ=i ɉ=j ƙ=k ⱪ=k ƚ=l ɫ=l ⱡ=l ɱ=m",
    "ƞ=n ɲ=n ɵ=o ƥ=p ɋ=q ɍ=r ɽ=r ʂ=s ȿ=s ʃ=sh ƭ=t ʈ=t ⱦ=t ʉ=u ʊ=u ʋ=v ⱳ=w ƴ=y ɏ=y ƶ=z ȥ=z ⱬ=z ʒ=z",
)
_CYRILLIC = _translation_table(
    "а=a б=b в=v г=g д=d е=e ж=zh з=z и=i к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts",
    "ч=ch ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya",
    "є=ye і=i ґ=g ђ=dj ј=j љ=lj њ=nj ћ=c џ=dz ѕ=dz",
)
_GREEK = _translation_table(
    "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch",
    "ψ=ps ω=o",
)
_LETTERS = _SIGNS | _LATIN | _CYRILLIC | _GREEK


def slugify(name: str, max_length: int = 255, *, fallback: str = "product") -> str:
    """Return a slug generated from a name, of at most `max_length` characters.

    Latin, Cyrillic and Greek letters are transliterated to ASCII; all other characters separate
    words. If nothing is left, the slug is `fallback`.
    """
    # In this order: NFC, because decomposed й is и with an accent; lower case, because the tables
    # have no upper case; _COMPOSED_LETTERS before NFKD, which turns µ into μ.
    composed = normalize("NFC", remove_invisible(name)).lower().translate(_COMPOSED_LETTERS)
    latin = _strip_accents(composed).replace("ου", "ou").replace("l·l", "ll").translate(_LETTERS)
    return _truncate(_NON_SLUG_CHARACTERS.sub("-", latin).strip("-") or fallback, max_length)


def is_slug(text: str) -> bool:
    """Return whether the text is a valid slug: 1 to 255 characters of `[a-z0-9-]`."""
    return _SLUG.fullmatch(text) is not None


def free_slug(
    base: str, taken: Collection[str] | Callable[[str], bool], max_length: int = 255
) -> str:
    """Return the first of `base`, `base-2`, `base-3`, … that is neither taken nor reserved.

    `taken` is a collection of slugs, or a predicate. The result has at most `max_length` (10 or
    more) characters: `base` is truncated if the number needs the space.
    """
    is_taken = taken if callable(taken) else taken.__contains__
    candidates = (numbered_slug(base, number, max_length) for number in count(1))
    return next(slug for slug in candidates if slug not in RESERVED_SLUGS and not is_taken(slug))


def numbered_slug(slug: str, number: int, max_length: int = 255) -> str:
    """Return the slug with a number appended, unless it is 1; truncated to `max_length`."""
    suffix = f"-{number}" if number > 1 else ""
    return _truncate(slug, max_length - len(suffix)) + suffix


def slug_conflict(slug: str, noun: str, *, is_active: bool) -> ConflictError:
    """Return the error for a slug that belongs to another product or category (the `noun`)."""
    owner = f"another {noun}" if is_active else f"an archived {noun}"
    return ConflictError(f"The slug '{slug}' belongs to {owner}", field="slug", code="slug-taken")


def fold(text: str) -> str:
    """Return the text in the form used for comparing and sorting: without case and accents.

    "Łosoś" and "losos" fold to the same text; other scripts are not transliterated.
    """
    return text.lower() if text.isascii() else _strip_accents(text).translate(_LATIN)


def _strip_accents(text: str) -> str:
    return _ACCENTS.sub("", normalize("NFKD", text)).casefold()


def _truncate(slug: str, max_length: int) -> str:
    if len(slug) <= max_length:
        return slug
    whole_words = slug[: max_length + 1].rpartition("-")[0]
    return whole_words if len(whole_words) * 2 >= max_length else slug[:max_length].rstrip("-")
