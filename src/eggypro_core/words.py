"""The words of texts, as a search compares them: folded, plurals put aside, typos told."""
# ruff: noqa: RUF001  (letters of other scripts are what this module is about)

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from html import unescape
from typing import Protocol

from attrs import frozen

from eggypro_core.slugs import fold

LONGEST = 40
"""Characters of a word that count; what follows is passed over."""
CORRECTABLE = 3
"""Letters that a word has at least, for one of them to be taken for a slip."""

_APOSTROPHE_S = re.compile(r"['’ʼ]s\b")
# Scripts that put no space between words: each of their characters is a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
# The vowel signs of Indic scripts are no letters to Python, but no ends of words either.
_WORD = re.compile(rf"\d+|[{_UNSPACED}]|(?:[^\W\d_{_UNSPACED}]|[\u0900-\u0dff])+")
_ASCII_WORD = re.compile(r"\d+|[a-z]+")
_TAG = re.compile(r"<[^>]*>")
_SIBILANTS = ("che", "she", "xe", "sse", "ze", "oe")


class Field(IntEnum):
    """Where a word stands in a product; the first is the best."""

    NAME = 0
    INGREDIENTS = 1
    """The ingredients, and the names of its categories."""
    DESCRIPTION = 2
    DETAILS = 3
    """The details, the attributes, and the options of its variants."""


@frozen
class Entry:
    """What a search knows of a product: the stems of its words, each with its best field.

    `words` are the words as they are written.
    """

    stems: Mapping[str, Field]
    words: frozenset[str]


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: folded, numbers apart from letters, no signs.

    "Omega3 d'Été" gives omega, 3, d, ete; "Ben's" gives ben.
    """
    plain = _APOSTROPHE_S.sub("", text)
    if plain.isascii():
        return [word[:LONGEST] for word in _ASCII_WORD.findall(plain.lower())]
    return [word[:LONGEST] for word in _WORD.findall(fold(plain))]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return what a word and its plural have in common: "berry" for both berries and berry.

    It only has to be the same for both, not a word: "cooky" for cookies. After Harman's S stemmer
    (How effective is suffixing?, 1991), with the plurals in -es and those of words in -ie.
    """
    if len(word) <= CORRECTABLE or not word.isascii() or word.isdigit():
        return word
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word.endswith("ie") and len(word) > CORRECTABLE + 1:
        return f"{word[:-2]}y"
    return word[:-1] if word.endswith(_SIBILANTS) else word


class Described(Protocol):
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


def entry_of(product: Described, options: Iterable[str] = ()) -> Entry:
    """Return what a search knows of a product whose active variants have these options' values."""
    details = unescape(_TAG.sub(" ", product.details))
    texts = (
        product.name,
        " ".join(product.ingredients),
        product.description,
        " ".join([details, *product.attributes.values(), *options]),
    )
    stems: dict[str, Field] = {}
    every: set[str] = set()
    for field, text in zip(Field, texts, strict=True):
        for word in words_of(text):
            if word not in every:
                every.add(word)
                stems.setdefault(stem(word), field)
    return Entry(stems, frozenset(every))


def can_be_corrected(word: str) -> bool:
    """Whether a word is one in which a slip can be told: of letters, not too short."""
    return len(word) >= CORRECTABLE and word.isalpha()


def slips(word: str) -> list[str]:
    """Return the word, and it with each one of its letters left out.

    Two words that are one edit apart have one of these in common. It is the method of SymSpell
    (Garbe, 2012).
    """
    return sorted({word, *(word[:at] + word[at + 1 :] for at in range(len(word)))})


def is_one_edit(one: str, other: str) -> bool:
    """Whether words differ by one letter left out, put in or changed, or by two that swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    at = _first_difference(short, long)
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2][::-1] == long[at : at + 2]
    return short[at + 1 :] == long[at + 1 :] or (swapped and short[at + 2 :] == long[at + 2 :])


def _first_difference(short: str, long: str) -> int:
    pairs = enumerate(zip(short, long, strict=False))
    return next((at for at, (one, other) in pairs if one != other), len(short))
