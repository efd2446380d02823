"""What a search means: what each of its words may stand for, and how well a product fits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from typing import Protocol

from attrs import evolve, field, frozen

from eggypro_core.search.text import (
    DocumentTerms,
    SearchField,
    is_correctable,
    is_typo_of,
    stem,
    tokenize,
)

MAX_PREFIX_EXPANSIONS = 64
"""How many longer words a begun one stands for; if there are more, it stands for all of them."""
MAX_CORRECTIONS = 10
"""How many other words an unknown one may stand for."""
_STOP_WORDS = frozenset("a an and at by for from in of on or the to with x".split())
"""Words that are passed over unless a search consists of them, or ends in one.

The x is that of "6 x 330 ml".
"""


class MatchKind(IntEnum):
    """How a word of a search and one of a product agree; the first is the best."""

    EXACT = 0
    PREFIX = 1
    CORRECTED = 2


@frozen
class Expansion:
    """What a word of a search stands for in one manner: these stems, or products in categories.

    `beginning` stands for every stem that begins with it. They are all among `stems`, unless there
    are too many of them, and none is.
    """

    stems: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
    prefix: str | None = None

    def matches_in(
        self, document: DocumentTerms, category_ids: Collection[int]
    ) -> Iterator[tuple[str | None, SearchField]]:
        """Give each stem that a product, `inside` categories, has of it, with the stem's field.

        A category's name has no stem in the product: None.
        """
        for one in self.stems:
            if one in document.stems:
                yield one, document.stems[one]
        if not set(self.category_ids).isdisjoint(category_ids):
            yield None, SearchField.INGREDIENTS
        if self.prefix is not None:
            yield from ((one, of) for one, of in document.stems.items() if self._has_prefix(one))

    def _has_prefix(self, one: str) -> bool:
        return self.prefix is not None and one.startswith(self.prefix)


@frozen
class Term:
    """A word of a search, and what it stands for in each manner."""

    word: str
    expansions: Mapping[MatchKind, Expansion]

    def up_to(self, worst_kind: MatchKind) -> list[Expansion]:
        """Return what it stands for in this manner or a better one."""
        return [meaning for kind, meaning in self.expansions.items() if kind <= worst_kind]


@frozen(order=True)
class RankTier:
    """How well a product fits a search before anything else is looked at; the least is the best.

    All words of the search stand in this field or a better one, and agree so or better.
    """

    field: SearchField
    kind: MatchKind


@frozen
class TermMatch:
    """How a product has a word of a search: as which stem, or by a category, and how well."""

    word: str
    stem: str | None
    tier: RankTier


@frozen
class RankReason:
    """Why a product stands where it does in a ranking: its tier, None if the search is its SKU.

    In a tier the `score` decides, and then the id.
    """

    tier: RankTier | None
    score: int
    matches: tuple[TermMatch, ...] = ()


@frozen
class ParsedQuery:
    """A search as it was understood. A product fits if it has all the terms, or is `named`.

    `named` is the id of the product whose SKU, or a variant's of it, is the search.
    """

    terms: tuple[Term, ...]
    sku_match: int | None = None

    @property
    def match_kinds(self) -> tuple[MatchKind, ...]:
        """Return the manners in which products can fit it."""
        kinds = {kind for term in self.terms for kind in term.expansions}
        # With a word that is corrected, nothing can fit but by its correction.
        return (MatchKind.CORRECTED,) if MatchKind.CORRECTED in kinds else tuple(sorted(kinds))

    @property
    def is_corrected(self) -> bool:
        """Whether any word was taken for another."""
        return MatchKind.CORRECTED in self.match_kinds

    @property
    def tiers(self) -> list[RankTier]:
        """Return the tiers that a product can be in, the best first."""
        return [RankTier(place, fit) for place in SearchField for fit in self.match_kinds]

    def tier(self, document: DocumentTerms, category_ids: Collection[int]) -> RankTier | None:
        """Return the tier of a product that is `inside` categories; None if it does not fit."""
        if not self.terms:
            return None
        return next(
            (tier for tier in self.tiers if self._matches_tier(tier, document, category_ids)), None
        )

    def explain(
        self, document: DocumentTerms, category_ids: Collection[int], score: int
    ) -> RankReason:
        """Return how each word is met by a product that fits but for its SKU."""
        matches = (_best_match(term, document, category_ids) for term in self.terms)
        found = tuple(match for match in matches if match is not None)
        return RankReason(self.tier(document, category_ids), score, found)

    def _matches_tier(self, tier: RankTier, entry: DocumentTerms, inside: Collection[int]) -> bool:
        def has(term: Term) -> bool:
            found = (meaning.matches_in(entry, inside) for meaning in term.up_to(tier.kind))
            return any(place <= tier.field for each in found for _, place in each)

        return all(map(has, self.terms))


@frozen
class QueryToken:
    """A word of a search as it was typed."""

    word: str
    is_last: bool
    stem: str = field(init=False)

    @stem.default
    def _(self) -> str:
        return stem(self.word)


class Vocabulary(Protocol):
    """The words that products and categories have."""

    def knows(self, token: QueryToken) -> bool:
        """Say whether any has the token's stem."""
        ...

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        """Return other words that begin with it, or whose stems do, LISTED + 1 of them at most."""
        ...

    def find_similar(self, token: QueryToken) -> Collection[str]:
        """Return words with a slip in common with it; all that it may be are of them."""
        ...

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        """Return the ids of visible categories that have one of the stems in their names."""
        ...


def tokenize_query(search: str) -> list[QueryToken]:
    """Return the words of a search that count, each once."""
    words = list(dict.fromkeys(tokenize(search)))
    kept = [word for word in words[:-1] if word not in _STOP_WORDS] + words[-1:]
    # What ends in a space or a sign might go on; nobody who searches thinks so exactly.
    return [QueryToken(word, is_last=word is kept[-1]) for word in kept]


def expand_terms(
    tokens: Sequence[QueryToken], vocabulary: Vocabulary, *, fuzzy: bool = False
) -> tuple[Term, ...]:
    """Return what words stand for.

    The last one may be begun only, and so may an unknown one. One that is unknown even so stands
    for what is one edit away; to be `forgiving` is to take it so of every word.
    """
    return tuple(Term(token.word, dict(_expansions(token, vocabulary, fuzzy))) for token in tokens)


def _expansions(
    token: QueryToken,
    known: Vocabulary,
    fuzzy: bool,  # noqa: FBT001
) -> Iterator[tuple[MatchKind, Expansion]]:
    is_known = known.knows(token)
    yield MatchKind.EXACT, _expand([token.stem], known)
    longer = known.find_by_prefix(token) if token.is_last or not is_known else ()
    if len(longer) > MAX_PREFIX_EXPANSIONS:
        yield MatchKind.PREFIX, Expansion(prefix=token.word)
    elif longer:
        listed = _expand([stem(word) for word in longer], known)
        yield MatchKind.PREFIX, evolve(listed, prefix=token.word)
    if fuzzy or not (is_known or longer):
        nearest = _corrections(token.word, known.find_similar(token))
        if nearest:
            yield MatchKind.CORRECTED, _expand([stem(word) for word in nearest], known)


def _expand(stems: Sequence[str], known: Vocabulary) -> Expansion:
    each = tuple(dict.fromkeys(stems))
    return Expansion(each, tuple(known.find_category_ids(each)))


def _corrections(word: str, others: Collection[str]) -> list[str]:
    """Return what a word may be a slip of: first those of its letters, then of its first one."""
    if not is_correctable(word):
        return []

    def strangeness(other: str) -> tuple[bool, bool, str]:
        return sorted(other) != sorted(word), other[0] != word[0], other

    near = (other for other in others if is_typo_of(word, other))
    return sorted(near, key=strangeness)[:MAX_CORRECTIONS]


def _best_match(term: Term, entry: DocumentTerms, inside: Collection[int]) -> TermMatch | None:
    found = [
        TermMatch(term.word, stem, RankTier(place, fit))
        for fit, meaning in term.expansions.items()
        for stem, place in meaning.matches_in(entry, inside)
    ]
    return min(found, key=lambda match: match.tier, default=None)


SCORE_RANGE = 2_000
"""Above every score."""
SKU_MATCH_RANK = len(SearchField) * len(MatchKind)


def rank_score(average: Decimal | None, *, in_stock: bool) -> int:
    """Return what orders products of one tier: by rating, unrated last, then by being in stock."""
    return int((average or 0) * 100) * 2 + in_stock


def relevance_of(tier: RankTier | None, score: int) -> int:
    """Return one number that orders tiers and scores, the highest first; no tier: found by SKU."""
    place = -1 if tier is None else tier.field * len(MatchKind) + tier.kind
    return (SKU_MATCH_RANK - place) * SCORE_RANGE + score


def tier_and_score(relevance: int) -> tuple[RankTier | None, int]:
    """Return what `relevance_of` was given."""
    place, score = SKU_MATCH_RANK - relevance // SCORE_RANGE, relevance % SCORE_RANGE
    return None if place < 0 else RankTier(
        SearchField(place // len(MatchKind)), MatchKind(place % len(MatchKind))
    ), score
