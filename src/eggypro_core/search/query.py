"""What a search means: what each of its words may stand for, and how well a product fits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Protocol

from attrs import evolve, field, frozen

from eggypro_core.search.text import Entry, Field, can_be_corrected, may_be, stem, words_of

LISTED = 64
"""How many longer words a begun one stands for; if there are more, it stands for all of them."""
CORRECTIONS = 10
"""How many other words an unknown one may stand for."""
_SMALL = frozenset("a an and at by for from in of on or the to with x".split())
"""Words that are passed over unless a search consists of them, or ends in one.

The x is that of "6 x 330 ml".
"""


class Fit(IntEnum):
    """How a word of a search and one of a product agree; the first is the best."""

    EXACT = 0
    PREFIX = 1
    CORRECTED = 2


@frozen
class Meaning:
    """What a word of a search stands for in one manner: these stems, or products in categories.

    `beginning` stands for every stem that begins with it. They are all among `stems`, unless there
    are too many of them, and none is.
    """

    stems: tuple[str, ...] = ()
    categories: tuple[int, ...] = ()
    beginning: str | None = None

    def all_in(self, entry: Entry, inside: Collection[int]) -> Iterator[tuple[str | None, Field]]:
        """Give each stem that a product, `inside` categories, has of it, with the stem's field.

        A category's name has no stem in the product: None.
        """
        for one in self.stems:
            if one in entry.stems:
                yield one, entry.stems[one]
        if not set(self.categories).isdisjoint(inside):
            yield None, Field.INGREDIENTS
        if self.beginning is not None:
            yield from ((one, of) for one, of in entry.stems.items() if self._begins(one))

    def _begins(self, one: str) -> bool:
        return self.beginning is not None and one.startswith(self.beginning)


@frozen
class Term:
    """A word of a search, and what it stands for in each manner."""

    word: str
    meanings: Mapping[Fit, Meaning]

    def upto(self, fit: Fit) -> list[Meaning]:
        """Return what it stands for in this manner or a better one."""
        return [meaning for kind, meaning in self.meanings.items() if kind <= fit]


@frozen(order=True)
class Tier:
    """How well a product fits a search before anything else is looked at; the least is the best.

    All words of the search stand in this field or a better one, and agree so or better.
    """

    field: Field
    fit: Fit


@frozen
class Match:
    """How a product has a word of a search: as which stem, or by a category, and how well."""

    word: str
    found: str | None
    tier: Tier


@frozen
class Reason:
    """Why a product stands where it does in a ranking: its tier, None if the search is its SKU.

    In a tier the `score` decides, and then the id.
    """

    tier: Tier | None
    score: int
    matches: tuple[Match, ...] = ()


@frozen
class Reading:
    """A search as it was understood. A product fits if it has all the terms, or is `named`.

    `named` is the id of the product whose SKU, or a variant's of it, is the search.
    """

    terms: tuple[Term, ...]
    named: int | None = None

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Return the manners in which products can fit it."""
        kinds = {kind for term in self.terms for kind in term.meanings}
        # With a word that is corrected, nothing can fit but by its correction.
        return (Fit.CORRECTED,) if Fit.CORRECTED in kinds else tuple(sorted(kinds))

    @property
    def is_corrected(self) -> bool:
        """Whether any word was taken for another."""
        return Fit.CORRECTED in self.fits

    @property
    def tiers(self) -> list[Tier]:
        """Return the tiers that a product can be in, the best first."""
        return [Tier(place, fit) for place in Field for fit in self.fits]

    def tier(self, entry: Entry, inside: Collection[int]) -> Tier | None:
        """Return the tier of a product that is `inside` categories; None if it does not fit."""
        if not self.terms:
            return None
        return next((tier for tier in self.tiers if self._is_in(tier, entry, inside)), None)

    def reason(self, entry: Entry, inside: Collection[int], score: int) -> Reason:
        """Return how each word is met by a product that fits but for its SKU."""
        matches = (_best_match(term, entry, inside) for term in self.terms)
        found = tuple(match for match in matches if match is not None)
        return Reason(self.tier(entry, inside), score, found)

    def _is_in(self, tier: Tier, entry: Entry, inside: Collection[int]) -> bool:
        def has(term: Term) -> bool:
            found = (meaning.all_in(entry, inside) for meaning in term.upto(tier.fit))
            return any(place <= tier.field for each in found for _, place in each)

        return all(map(has, self.terms))


@frozen
class Token:
    """A word of a search as it was typed."""

    word: str
    is_last: bool
    stem: str = field(init=False)

    @stem.default
    def _(self) -> str:
        return stem(self.word)


class Vocabulary(Protocol):
    """The words that products and categories have."""

    def knows(self, token: Token) -> bool:
        """Say whether any has the token's stem."""
        ...

    def beginning(self, token: Token) -> Sequence[str]:
        """Return other words that begin with it, or whose stems do, LISTED + 1 of them at most."""
        ...

    def slipped(self, token: Token) -> Collection[str]:
        """Return words with a slip in common with it; all that it may be are of them."""
        ...

    def categories(self, stems: Collection[str]) -> Sequence[int]:
        """Return the ids of visible categories that have one of the stems in their names."""
        ...


def tokens_of(search: str) -> list[Token]:
    """Return the words of a search that count, each once."""
    words = list(dict.fromkeys(words_of(search)))
    kept = [word for word in words[:-1] if word not in _SMALL] + words[-1:]
    # What ends in a space or a sign might go on; nobody who searches thinks so exactly.
    return [Token(word, is_last=word is kept[-1]) for word in kept]


def read_search(
    tokens: Sequence[Token], known: Vocabulary, *, forgiving: bool = False
) -> tuple[Term, ...]:
    """Return what words stand for.

    The last one may be begun only, and so may an unknown one. One that is unknown even so stands
    for what is one edit away; to be `forgiving` is to take it so of every word.
    """
    return tuple(Term(token.word, dict(_meanings(token, known, forgiving))) for token in tokens)


def _meanings(token: Token, known: Vocabulary, forgiving: bool) -> Iterator[tuple[Fit, Meaning]]:  # noqa: FBT001
    is_known = known.knows(token)
    yield Fit.EXACT, _listed([token.stem], known)
    longer = known.beginning(token) if token.is_last or not is_known else ()
    if len(longer) > LISTED:
        yield Fit.PREFIX, Meaning(beginning=token.word)
    elif longer:
        listed = _listed([stem(word) for word in longer], known)
        yield Fit.PREFIX, evolve(listed, beginning=token.word)
    if forgiving or not (is_known or longer):
        nearest = _nearest(token.word, known.slipped(token))
        if nearest:
            yield Fit.CORRECTED, _listed([stem(word) for word in nearest], known)


def _listed(stems: Sequence[str], known: Vocabulary) -> Meaning:
    each = tuple(dict.fromkeys(stems))
    return Meaning(each, tuple(known.categories(each)))


def _nearest(word: str, others: Collection[str]) -> list[str]:
    """Return what a word may be a slip of: first those of its letters, then of its first one."""
    if not can_be_corrected(word):
        return []

    def strangeness(other: str) -> tuple[bool, bool, str]:
        return sorted(other) != sorted(word), other[0] != word[0], other

    near = (other for other in others if may_be(word, other))
    return sorted(near, key=strangeness)[:CORRECTIONS]


def _best_match(term: Term, entry: Entry, inside: Collection[int]) -> Match | None:
    found = [
        Match(term.word, stem, Tier(place, fit))
        for fit, meaning in term.meanings.items()
        for stem, place in meaning.all_in(entry, inside)
    ]
    return min(found, key=lambda match: match.tier, default=None)


SCORES = 2_000
"""Above every score."""
NAMED = len(Field) * len(Fit)


def score_of(average: Decimal | None, *, in_stock: bool) -> int:
    """Return what orders products of one tier: by rating, unrated last, then by being in stock."""
    return int((average or 0) * 100) * 2 + in_stock


def relevance_of(tier: Tier | None, score: int) -> int:
    """Return one number that orders tiers and scores, the highest first; no tier: found by SKU."""
    place = -1 if tier is None else tier.field * len(Fit) + tier.fit
    return (NAMED - place) * SCORES + score


def tier_and_score(relevance: int) -> tuple[Tier | None, int]:
    """Return what `relevance_of` was given."""
    place, score = NAMED - relevance // SCORES, relevance % SCORES
    return None if place < 0 else Tier(Field(place // len(Fit)), Fit(place % len(Fit))), score
