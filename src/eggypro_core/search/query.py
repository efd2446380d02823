"""Query parsing and ranking: the expansions of terms, rank tiers and relevance."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from enum import IntEnum
from itertools import count
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
"""The maximum number of stems in a prefix expansion; beyond it, only the prefix is stored."""
MAX_CODE_MATCHES = 1000
"""The maximum number of products that are found by one GTIN, which need not be unique."""
MAX_CORRECTIONS = 10
"""The maximum number of corrections of an unknown word."""
MAX_TERMS = 16
"""The maximum number of words of a search that are used: the first ones, and the last."""
MAX_BEGINNINGS = 2
"""The maximum number of words before the last that may be beginnings of other words."""
_STOP_WORDS = frozenset("a an and at by for from in of on or the to with x".split())
"""Words that are ignored unless they end the search. The x is that of "6 x 330 ml"."""


class MatchKind(IntEnum):
    """The kind of match between a search term and a word of a product, best first."""

    EXACT = 0
    PREFIX = 1
    CORRECTED = 2


@frozen
class Expansion:
    """The expansion of a search term for one match kind: stems, and categories by name.

    `prefix` matches every stem that begins with it. `stems` then has all of these stems, or none
    if there are too many.
    """

    stems: tuple[str, ...] = ()
    category_ids: tuple[int, ...] = ()
    prefix: str | None = None

    def matches_in(
        self, document: DocumentTerms, category_ids: Collection[int]
    ) -> Iterator[tuple[str | None, SearchField]]:
        """Yield the stems of a document in these categories that match, with their fields.

        The stem of a match by the name of a category is None.
        """
        for word_stem in self.stems:
            if word_stem in document.stems:
                yield word_stem, document.stems[word_stem]
        if not set(self.category_ids).isdisjoint(category_ids):
            yield None, SearchField.INGREDIENTS
        if self.prefix is not None:
            yield from (
                (word_stem, search_field)
                for word_stem, search_field in document.stems.items()
                if self._has_prefix(word_stem)
            )

    def _has_prefix(self, word: str) -> bool:
        return self.prefix is not None and word.startswith(self.prefix)


@frozen
class Term:
    """A word of a search, and its expansion for each match kind."""

    word: str
    expansions: Mapping[MatchKind, Expansion]

    def up_to(self, worst_kind: MatchKind) -> list[Expansion]:
        """Return the expansions for this match kind and better ones."""
        return [expansion for kind, expansion in self.expansions.items() if kind <= worst_kind]


@frozen(order=True)
class RankTier:
    """The first criterion of a ranking; the smallest tier is the best.

    All terms of the search match in this field or a better one, by this match kind or a better one.
    """

    field: SearchField
    kind: MatchKind


@frozen
class TermMatch:
    """The best match of a search term in a product. `stem` is None for a match by a category."""

    word: str
    stem: str | None
    tier: RankTier


@frozen
class RankReason:
    """The reason for the rank of a product. `tier` is None if the search is its SKU or GTIN.

    Products of one tier are ordered by `score`, then by id.
    """

    tier: RankTier | None
    score: int
    matches: tuple[TermMatch, ...] = ()


@frozen
class ParsedQuery:
    """A parsed search. A product matches if all terms match, or if its SKU or GTIN does.

    `code_matches` are the ids of the products whose SKU or GTIN, or that of one of their variants,
    is the search.
    """

    terms: tuple[Term, ...]
    code_matches: frozenset[int] = frozenset()

    @property
    def match_kinds(self) -> tuple[MatchKind, ...]:
        """Return the match kinds by which products can match the search."""
        kinds = {kind for term in self.terms for kind in term.expansions}
        # With a corrected term, every product matches by a correction, which decides its tier.
        return (MatchKind.CORRECTED,) if MatchKind.CORRECTED in kinds else tuple(sorted(kinds))

    @property
    def tiers(self) -> list[RankTier]:
        """Return the possible tiers of products, best first."""
        return [
            RankTier(search_field, kind)
            for search_field in SearchField
            for kind in self.match_kinds
        ]

    def tier(self, document: DocumentTerms, category_ids: Collection[int]) -> RankTier | None:
        """Return the tier of a product in these categories; None if it does not match."""
        if not self.terms:
            return None
        return next(
            (tier for tier in self.tiers if self._matches_tier(tier, document, category_ids)), None
        )

    def explain(
        self, document: DocumentTerms, category_ids: Collection[int], score: int
    ) -> RankReason:
        """Return the rank reason of a product that matches by its terms, not by its SKU or GTIN."""
        best_matches = (_best_match(term, document, category_ids) for term in self.terms)
        matches = tuple(match for match in best_matches if match is not None)
        return RankReason(self.tier(document, category_ids), score, matches)

    def _matches_tier(
        self, tier: RankTier, document: DocumentTerms, category_ids: Collection[int]
    ) -> bool:
        def is_match(term: Term) -> bool:
            return any(
                search_field <= tier.field
                for expansion in term.up_to(tier.kind)
                for _, search_field in expansion.matches_in(document, category_ids)
            )

        return all(map(is_match, self.terms))


@frozen
class QueryToken:
    """A word of a search as typed."""

    word: str
    is_last: bool
    stem: str = field(init=False)

    @stem.default
    def _(self) -> str:
        return stem(self.word)


class Vocabulary(Protocol):
    """The words that products and categories have."""

    def knows(self, token: QueryToken) -> bool:
        """Return whether any word has the token's stem."""
        ...

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        """Return other words that begin with the token, or whose stems do.

        At most MAX_PREFIX_EXPANSIONS + 1.
        """
        ...

    def find_similar(self, token: QueryToken) -> Collection[str]:
        """Return words that share a deletion neighbour with the token: all possible corrections."""
        ...

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        """Return the ids of visible categories with one of the stems in their names."""
        ...


def tokenize_query(search: str) -> list[QueryToken]:
    """Return the distinct words of a search, without stop words; at most MAX_TERMS."""
    words = list(dict.fromkeys(tokenize(search)))
    terms = [word for word in words[:-1] if word not in _STOP_WORDS][: MAX_TERMS - 1] + words[-1:]
    # A space or sign at the end does not complete the last word: people do not type so precisely.
    return [QueryToken(word, is_last=word is terms[-1]) for word in terms]


def expand_terms(
    tokens: Sequence[QueryToken], vocabulary: Vocabulary, *, fuzzy: bool = False
) -> tuple[Term, ...]:
    """Return the terms of a search with their expansions.

    The last word and unknown words are also expanded as prefixes. A word that is still unknown is
    corrected to words one edit away; with `fuzzy`, every word is. Of the words before the last that
    are beginnings of others, those after MAX_BEGINNINGS are ignored: each can match most products.
    """
    beginnings = count(1)

    def is_used(token: QueryToken, term: Term) -> bool:
        is_beginning = MatchKind.PREFIX in term.expansions and not token.is_last
        return not is_beginning or next(beginnings) <= MAX_BEGINNINGS

    terms = [
        Term(token.word, dict(_expansions(token, vocabulary, fuzzy=fuzzy))) for token in tokens
    ]
    return tuple(term for token, term in zip(tokens, terms, strict=True) if is_used(token, term))


def _expansions(
    token: QueryToken, vocabulary: Vocabulary, *, fuzzy: bool
) -> Iterator[tuple[MatchKind, Expansion]]:
    is_known = vocabulary.knows(token)
    yield MatchKind.EXACT, _expand([token.stem], vocabulary)
    longer_words = vocabulary.find_by_prefix(token) if token.is_last or not is_known else ()
    if len(longer_words) > MAX_PREFIX_EXPANSIONS:
        yield MatchKind.PREFIX, Expansion(prefix=token.word)
    elif longer_words:
        expansion = _expand([stem(word) for word in longer_words], vocabulary)
        yield MatchKind.PREFIX, evolve(expansion, prefix=token.word)
    if fuzzy or not (is_known or longer_words):
        corrections = _corrections(token.word, vocabulary.find_similar(token))
        if corrections:
            yield MatchKind.CORRECTED, _expand([stem(word) for word in corrections], vocabulary)


def _expand(stems: Sequence[str], vocabulary: Vocabulary) -> Expansion:
    distinct_stems = tuple(dict.fromkeys(stems))
    return Expansion(distinct_stems, tuple(vocabulary.find_category_ids(distinct_stems)))


def _corrections(word: str, candidates: Collection[str]) -> list[str]:
    """Return the best corrections: first transpositions, then words with the same first letter."""
    if not is_correctable(word):
        return []

    def sort_key(candidate: str) -> tuple[bool, bool, str]:
        return sorted(candidate) != sorted(word), candidate[0] != word[0], candidate

    corrections = (candidate for candidate in candidates if is_typo_of(word, candidate))
    return sorted(corrections, key=sort_key)[:MAX_CORRECTIONS]


def _best_match(
    term: Term, document: DocumentTerms, category_ids: Collection[int]
) -> TermMatch | None:
    matches = [
        TermMatch(term.word, word_stem, RankTier(search_field, kind))
        for kind, expansion in term.expansions.items()
        for word_stem, search_field in expansion.matches_in(document, category_ids)
    ]
    return min(matches, key=lambda match: match.tier, default=None)


SCORE_RANGE = 2_000
"""An exclusive upper bound of scores."""
SKU_MATCH_RANK = len(SearchField) * len(MatchKind)


def rank_score(average: Decimal | None, *, in_stock: bool) -> int:
    """Return the score of a product in its tier: by rating (unrated last), then by stock."""
    return int((average or 0) * 100) * 2 + in_stock


def relevance_of(tier: RankTier | None, score: int) -> int:
    """Return a number that sorts by tier and score, best first.

    No tier means a match by SKU or GTIN.
    """
    rank = -1 if tier is None else tier.field * len(MatchKind) + tier.kind
    return (SKU_MATCH_RANK - rank) * SCORE_RANGE + score


def tier_and_score(relevance: int) -> tuple[RankTier | None, int]:
    """Return the tier and the score of a relevance: the inverse of `relevance_of`."""
    rank, score = SKU_MATCH_RANK - relevance // SCORE_RANGE, relevance % SCORE_RANGE
    return None if rank < 0 else RankTier(
        SearchField(rank // len(MatchKind)), MatchKind(rank % len(MatchKind))
    ), score
