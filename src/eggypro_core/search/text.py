"""Tokenising, stemming and typo detection for the search."""
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
"""The maximum length of a word; the characters after it start another word."""
MIN_CORRECTABLE_LENGTH = 3
"""The minimum length of a word in which typos are corrected."""

_APOSTROPHE_S = re.compile(r"['’ʼ][sS]\b")
# Vowel points of Hebrew and Arabic, which most people omit, joiners, and the invisible characters
# that texts of earlier versions may have.
_IGNORED_CHARACTERS = re.compile(
    "[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
# Scripts without spaces between words: each of their characters is a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
# The vowel signs of Indic scripts are not letters (\w) for Python, but belong to words.
_WORD = re.compile(
    rf"(?:[^\W\d_{_UNSPACED}]|[\u0900-\u0dff]){{1,{MAX_WORD_LENGTH}}}|\d{{1,{MAX_WORD_LENGTH}}}|[{_UNSPACED}]"
)
_ASCII_WORD = re.compile(rf"[a-z]{{1,{MAX_WORD_LENGTH}}}|\d{{1,{MAX_WORD_LENGTH}}}")
_TAG = re.compile(r"<[^>]*>")
_INFLECTED_ENDINGS = "se"
"""The last letters of words whose stem may differ from the word."""
_SIBILANTS = ("che", "she", "xe", "sse", "ze", "oe")


class SearchField(IntEnum):
    """A searched part of a product, best first."""

    NAME = 0
    INGREDIENTS = 1
    """The brand, the ingredients and the names of categories."""
    DESCRIPTION = 2
    DETAILS = 3
    """The details, the tags, the attributes, and the options of variants."""


_FIELDS_WORST_FIRST = tuple(reversed(SearchField))


@frozen
class DocumentTerms:
    """The search terms of a product: its words, and their stems with the best field of each."""

    stems: Mapping[str, SearchField]
    words: frozenset[str]


def tokenize(text: str) -> list[str]:
    """Return the words of a text in order: folded, without signs, digits separate from letters.

    "Omega3 d'Été" becomes omega, 3, d, ete; "Ben's" becomes ben.
    """
    if not text.isascii():
        return _WORD.findall(_IGNORED_CHARACTERS.sub("", fold(_APOSTROPHE_S.sub("", text))))
    text = _APOSTROPHE_S.sub("", text) if "'" in text else text
    return _ASCII_WORD.findall(text.lower())


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the stem that a word shares with its plural: "berry" for both berry and berries.

    The stem need not be a word: "cooky" for cookies. After Harman's S stemmer (How effective is
    suffixing?, 1991), with the plurals in -es and those of words in -ie.
    """
    if len(word) <= MIN_CORRECTABLE_LENGTH or not word.isascii() or word.isdigit():
        return word
    if word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if len(word) <= MIN_CORRECTABLE_LENGTH:  # "pies" becomes "pie", which has no shorter stem
        return word
    if word.endswith("ie"):
        return f"{word[:-2]}y"
    return word[:-1] if word.endswith(_SIBILANTS) else word


def stems_of(words: Iterable[str]) -> list[str]:
    """Return the stem of each word."""
    return [stem(word) if word[-1] in _INFLECTED_ENDINGS else word for word in words]


class Searchable(Protocol):
    """The searched fields of a product, or of a store's row with the same attributes."""

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    @property
    def brand(self) -> str | None:
        """Return the brand."""
        ...

    @property
    def tags(self) -> Sequence[str]:
        """Return the tags."""
        ...

    @property
    def ingredients(self) -> Sequence[str]:
        """Return the ingredients."""
        ...

    @property
    def description(self) -> str:
        """Return the description, which is plain text."""
        ...

    @property
    def details(self) -> str:
        """Return the details, which are HTML."""
        ...

    @property
    def attributes(self) -> Mapping[str, str]:
        """Return the attributes by name."""
        ...


SEARCHABLE_FIELDS = frozenset(
    {"name", "brand", "tags", "ingredients", "description", "details", "attributes"}
)
"""The fields of a product that `document_terms` reads."""


def document_terms(product: Searchable, options: Iterable[str] = ()) -> DocumentTerms:
    """Return the search terms of a product; `options` are the option values of active variants."""
    plain_details = unescape(_TAG.sub(" ", product.details))
    ingredients = " ".join([product.brand or "", *product.ingredients])
    details = " ".join([plain_details, *product.tags, *product.attributes.values(), *options])
    texts = (product.name, ingredients, product.description, details)
    stems: dict[str, SearchField] = {}
    words: set[str] = set()
    for field, text in zip(_FIELDS_WORST_FIRST, reversed(texts), strict=True):
        field_words = set(tokenize(text))
        words |= field_words
        stems |= dict.fromkeys(stems_of(field_words), field)  # a better field replaces a worse one
    return DocumentTerms(stems, frozenset(words))


def is_correctable(word: str) -> bool:
    """Return whether typos in a word can be corrected: it has letters and is not too short."""
    return len(word) >= MIN_CORRECTABLE_LENGTH and not word.isdecimal()


def deletion_neighbours(word: str) -> list[str]:
    """Return the word, its stem, and all texts made by deleting one letter from either.

    Two words that may be typos of one another have a neighbour in common: the method of SymSpell
    (Garbe, 2012).
    """
    forms = {word, stem(word)}
    return sorted(forms | {form[:at] + form[at + 1 :] for form in forms for at in range(len(form))})


def is_typo_of(word: str, other: str) -> bool:
    """Return whether a word may be a typo of another word or its plural: "bery" for "berries"."""
    return is_correctable(other) and (
        is_one_edit(word, other) or is_one_edit(stem(word), stem(other))
    )


def is_one_edit(word: str, other: str) -> bool:
    """Return whether words differ by one deletion, insertion, substitution or transposition."""
    if word == other or abs(len(word) - len(other)) > 1:
        return False
    short, long = sorted((word, other), key=len)
    at = _first_difference(short, long)
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    is_swapped = short[at : at + 2][::-1] == long[at : at + 2]
    return short[at + 1 :] == long[at + 1 :] or (is_swapped and short[at + 2 :] == long[at + 2 :])


def _first_difference(short: str, long: str) -> int:
    pairs = enumerate(zip(short, long, strict=False))
    return next((at for at, (left, right) in pairs if left != right), len(short))
