"""How a search is looked for in Postgres: what each tier takes, and where it is looked for."""

from collections.abc import Iterable, Sequence
from math import inf, prod

from attrs import field, frozen

from eggypro_adapters.postgres.listing.term_statistics import TermStatistics
from eggypro_adapters.postgres.search_index import FIELD_LETTERS, INGREDIENTS_LETTER
from eggypro_core.search.query import Expansion, ParsedQuery, RankTier, Term
from eggypro_core.search.text import SearchField

NO_LEXEME = "'-'"
"""A lexeme that no row has."""
MAX_INDEX_ONLY_ROWS = 1_000
"""Rows that the index of words gives so quickly that no head is looked through first."""
_MIN_PREFIX_SHARE = 0.005
"""The part of all rows that has one of so many words that they are not listed, at least."""
_SCAN_ROW_COST = 1 / 3
"""What a row of the head costs to look at, if one that the index of words leads to costs 1."""
_FILTERED_ROW_COST = 3
"""What a row costs that filters lead to."""
_SCAN_SAFETY_FACTOR = 3
"""How many times as many rows are looked through as should have what is wanted among them."""


@frozen
class TermGroup:
    """The lexemes that a word of a search may be in a tier: any of them will do."""

    lexemes: tuple[str, ...]
    prefixes: tuple[str, ...]
    """Of lexemes; every one that begins so is meant."""
    is_exhaustive: bool
    """Whether all that the prefixes mean is among the lexemes."""

    def condition(self) -> str:
        """Return what a row must have, as quickly looked at as can be."""
        rest = (one for one in self.lexemes if not one.startswith(self.prefixes))
        return _any_of([*map(_quote, rest), *(f"{_quote(one)}:*" for one in self.prefixes)])

    def index_condition(self) -> str:
        """Return the same as an index should look for it: each lexeme by itself."""
        return _any_of(map(_quote, self.lexemes)) if self.is_exhaustive else self.condition()

    def share(self, known: TermStatistics) -> float:
        """Return which part of all rows has any of it, about."""
        if self.is_exhaustive:
            return min(1.0, sum(map(known.share, self.lexemes)))
        common = sum(map(known.prefix_share, self.prefixes))
        return min(1.0, max(common, _MIN_PREFIX_SHARE))  # of rare words, too, there are many


def term_group(term: Term, tier: RankTier, fields: Sequence[SearchField]) -> TermGroup:
    """Return what a word may be in some fields, so that it agrees as in a tier or better."""
    meanings = term.up_to(tier.kind)
    letters = [FIELD_LETTERS[one] for one in fields]
    stems = dict.fromkeys(one for meaning in meanings for one in meaning.stems)
    begun = [one.prefix for one in meanings if one.prefix is not None]
    lexemes = [f"{letter}{one}" for letter in letters for one in stems]
    if INGREDIENTS_LETTER in letters:
        lexemes += dict.fromkeys(f"#{one}" for meaning in meanings for one in meaning.category_ids)
    prefixes = tuple(f"{letter}{one}" for letter in letters for one in begun)
    return TermGroup(tuple(lexemes), prefixes, all(map(_is_exhaustive, meanings)))


def _is_exhaustive(meaning: Expansion) -> bool:
    return meaning.prefix is None or bool(meaning.stems)


@frozen
class TierLookup:
    """What a statement looks for in one tier."""

    condition: str
    index_condition: str
    scan_length: int = 0
    """Rows to look through in the order of their score, before the index of words is asked."""


@frozen
class SearchPlan:
    """How the best of a search are looked for, tier by tier."""

    parsed_query: ParsedQuery
    statistics: TermStatistics
    max_rows: int = 0
    """Rows that are wanted of it."""
    category_ids: Sequence[int] | None = None
    """The categories that it is within, if it is within few."""
    filtered_rows: float | None = None
    """Rows that filters leave besides, about, if they may be few."""
    tiers: Sequence[RankTier] = field(init=False)

    @tiers.default
    def _(self) -> Sequence[RankTier]:
        return self.parsed_query.tiers if self.parsed_query.terms else ()

    def tier_lookup(self, tier: RankTier) -> TierLookup:
        """Return what is looked for in a tier."""
        upto = self._groups(tier, range(tier.field + 1))
        # A single word stands in the tier's very field, or its products are in a better tier.
        is_single = len(self.parsed_query.terms) == 1
        exactly = self._groups(tier, (tier.field,)) if is_single else upto
        condition = _all_of(each.condition() for each in upto)
        return TierLookup(condition, _index_condition(exactly), self._scan_length(exactly))

    def combined_lookup(self) -> TierLookup:
        """Return what any tier takes."""
        groups = self._widest_groups()
        return TierLookup(_all_of(each.condition() for each in groups), _index_condition(groups))

    def category_condition(self) -> str:
        """Return what products in any of the categories have that it is within."""
        return _category_group(self.category_ids or ()).condition()

    def estimated_matches(self) -> float:
        """Return about how many rows there are in all tiers, if nothing keeps company."""
        return (
            self._estimated_rows(self._widest_groups()) * self._filtered_share if self.tiers else 0
        )

    @property
    def should_scan_filtered(self) -> bool:
        """Whether what the filters leave is best looked through as a whole."""
        if self.filtered_rows is None or not self.tiers:
            return False
        groups = self._widest_groups()
        head = self._scan_needed(groups) * _SCAN_ROW_COST
        return self.filtered_rows * _FILTERED_ROW_COST < min(
            head, self._estimated_rows(_index_groups(groups))
        )

    @property
    def should_count_filtered(self) -> bool:
        """Whether what the filters leave is less to count in than what has the words."""
        if self.filtered_rows is None or not self.tiers:
            return False
        return self.filtered_rows * _FILTERED_ROW_COST < self._estimated_rows(
            _index_groups(self._widest_groups())
        )

    def should_scan_in_order(self, most: int) -> bool:
        """Whether so many that fit are met soon, in whatever order rows are looked through."""
        found = self.estimated_matches()
        return found > 0 and _SCAN_SAFETY_FACTOR * most * self.statistics.rows < found * found

    @property
    def _filtered_share(self) -> float:
        return (
            1.0
            if self.filtered_rows is None or not self.statistics.rows
            else self.filtered_rows / self.statistics.rows
        )

    def _estimated_rows(self, groups: Sequence[TermGroup]) -> float:
        return self.statistics.rows * prod(each.share(self.statistics) for each in groups)

    def _scan_needed(self, groups: Sequence[TermGroup]) -> float:
        """Return how long a head surely has enough of what has one of each group."""
        found = self._estimated_rows(groups) * self._filtered_share
        return _SCAN_SAFETY_FACTOR * self.max_rows * self.statistics.rows / found if found else inf

    def _scan_length(self, groups: Sequence[TermGroup]) -> int:
        looked_up = self._estimated_rows(_index_groups(groups))
        enough = self._scan_needed(groups)
        return (
            int(enough)
            if looked_up > MAX_INDEX_ONLY_ROWS and enough * _SCAN_ROW_COST < looked_up
            else 0
        )

    def _widest_groups(self) -> list[TermGroup]:
        return self._groups(self.tiers[-1], SearchField) if self.tiers else []

    def _groups(self, tier: RankTier, fields: Iterable[int]) -> list[TermGroup]:
        places = [SearchField(one) for one in fields]
        groups = [term_group(term, tier, places) for term in self.parsed_query.terms]
        return (
            groups if self.category_ids is None else [*groups, _category_group(self.category_ids)]
        )


def _category_group(categories: Sequence[int]) -> TermGroup:
    """Return what products in any of some categories have."""
    return TermGroup(tuple(f"#{category}" for category in categories), (), is_exhaustive=True)


def _index_condition(groups: Sequence[TermGroup]) -> str:
    """Return what an index looks for, so that no row is missed.

    What begins so, and is too much to list, is left to the condition if there is more to go by.
    """
    return _all_of(each.index_condition() for each in _index_groups(groups))


def _index_groups(groups: Sequence[TermGroup]) -> Sequence[TermGroup]:
    """Return what an index is asked for."""
    return [each for each in groups if each.is_exhaustive] or groups


def _quote(lexeme: str) -> str:
    return f"'{lexeme}'"


def _any_of(operands: Iterable[str]) -> str:
    return " | ".join(operands) or NO_LEXEME


def _all_of(operands: Iterable[str]) -> str:
    return " & ".join(f"({each})" for each in operands) or NO_LEXEME
