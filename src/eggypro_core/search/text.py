"""The words of texts, as a search compares them: folded, plurals put aside, typos told."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from html import unescape
from typing import Protocol

from attrs import frozen

from eggypro_core.domain.slug import fold

MAX_WORD_LENGTH = 40
"""Characters of a word; what follows is another one."""
MIN_CORRECTABLE_LENGTH = 3
"""Letters that a word has at least, for one of them to be taken for a slip."""

_APOSTROPHE_S = re.compile(r"['’ʼ][sS]\b")
# The vowel points of Hebrew and Arabic, which most people leave out, soft hyphens and joiners.
_SILENT = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u00ad\u200b-\u200d\u2060\ufeff]"
)
# Scripts that put no space between words: each of their characters is a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
# The vowel signs of Indic scripts are no letters to Python, but no ends of words either.
_WORD = re.compile(
    rf"(?:[^\W\d_{_UNSPACED}]|[\u0900-\u0dff]){{1,{MAX_WORD_LENGTH}}}|\d{{1,{MAX_WORD_LENGTH}}}|[{_UNSPACED}]"
)
_ASCII_WORD = re.compile(rf"[a-z]{{1,{MAX_WORD_LENGTH}}}|\d{{1,{MAX_WORD_LENGTH}}}")
_TAG = re.compile(r"<[^>]*>")
_INFLECTED_ENDINGS = "se"
"""What words end in whose stem is another."""
_SIBILANTS = ("che", "she", "xe", "sse", "ze", "oe")


class SearchField(IntEnum):
    """Where a word stands in a product; the first is the best."""

    NAME = 0
    INGREDIENTS = 1
    """The ingredients, and the names of its categories."""
    DESCRIPTION = 2
    DETAILS = 3
    """The details, the attributes, and the options of its variants."""


_FIELDS_WORST_FIRST = tuple(reversed(SearchField))


@frozen
class DocumentTerms:
    """What a search knows of a product: the stems of its words, each with its best field.

    `words` are the words as they are written.
    """

    stems: Mapping[str, SearchField]
    words: frozenset[str]


def tokenize(text: str) -> list[str]:
    """Return the words of a text in order: folded, numbers apart from letters, no signs.

    "Omega3 d'Été" gives omega, 3, d, ete; "Ben's" gives ben.
    """
    if not text.isascii():
        return _WORD.findall(_SILENT.sub("", fold(_APOSTROPHE_S.sub("", text))))
    plain = _APOSTROPHE_S.sub("", text) if "'" in text else text
    return _ASCII_WORD.findall(plain.lower())


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what a word and its plural have in common: "berry" for both berries and berry.

    It only has to be the same for both, not a word: "cooky" for cookies. After Harman's S stemmer
    (How effective is suffixing?, 1991), with the plurals in -es and those of words in -ie.
    """
    if len(word) <= MIN_CORRECTABLE_LENGTH or not word.isascii() or word.isdigit():
        return word
    if word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if (
        len(word) <= MIN_CORRECTABLE_LENGTH
    ):  # "pie" and "toe" are left alone, and so are "pies" and "toes"
        return word
    if word.endswith("ie"):
        return f"{word[:-2]}y"
    return word[:-1] if word.endswith(_SIBILANTS) else word


def stems_of(words: Iterable[str]) -> list[str]:
    """Return the stem of each word."""
    return [stem(word) if word[-1] in _INFLECTED_ENDINGS else word for word in words]


class Searchable(Protocol):
    """What a search looks into of a product: one, or a row of a store that has these."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def ingredients(self) -> Sequence[str]:
        """Return what it is made of."""
        ...

    @property
    def description(self) -> str:
        """Return its plain text."""
        ...

    @property
    def details(self) -> str:
        """Return its HTML."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return its attributes, by name."""
        ...


SEARCHED_FIELDS = frozenset({"name", "ingredients", "description", "details", "attributes"})
"""The fields of a product that `document_terms` reads."""


def document_terms(product: Searchable, options: Iterable[str] = ()) -> DocumentTerms:
    """Return what a search knows of a product whose active variants have these options' values."""
    details = unescape(_TAG.sub(" ", product.details))
    ingredients = " ".join(product.ingredients)
    rest = " ".join([details, *product.attributes.values(), *options])
    texts = (product.name, ingredients, product.description, rest)
    stems: dict[str, SearchField] = {}
    every: set[str] = set()
    for field, text in zip(_FIELDS_WORST_FIRST, reversed(texts), strict=True):
        words = set(tokenize(text))
        every |= words
        stems |= dict.fromkeys(stems_of(words), field)  # a better field takes a word over
    return DocumentTerms(stems, frozenset(every))


def is_correctable(word: str) -> bool:
    """Whether a word is one in which a slip can be told: of letters, not too short."""
    return len(word) >= MIN_CORRECTABLE_LENGTH and not word.isdecimal()


def deletion_neighbours(word: str) -> list[str]:
    """Return the word and its stem, and both with each one of their letters left out.

    Two words that may be slips of one another have one of these in common. It is the method of
    SymSpell (Garbe, 2012).
    """
    both = {word, stem(word)}
    return sorted(both | {one[:at] + one[at + 1 :] for one in both for at in range(len(one))})


def is_typo_of(word: str, other: str) -> bool:
    """Whether a word may be a slip of another one, or of its plural: "bery" may be "berries"."""
    return is_correctable(other) and (
        is_one_edit(word, other) or is_one_edit(stem(word), stem(other))
    )


def is_one_edit(word: str, other: str) -> bool:
    """Whether words differ by one letter left out, put in or changed, or by two that swapped."""
    if word == other or abs(len(word) - len(other)) > 1:
        return False
    short, long = sorted((word, other), key=len)
    at = _first_difference(short, long)
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2][::-1] == long[at : at + 2]
    return short[at + 1 :] == long[at + 1 :] or (swapped and short[at + 2 :] == long[at + 2 :])


def _first_difference(short: str, long: str) -> int:
    pairs = enumerate(zip(short, long, strict=False))
    return next((at for at, (one, other) in pairs if one != other), len(short))
