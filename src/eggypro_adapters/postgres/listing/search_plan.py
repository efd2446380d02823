"""Search plans: the condition of each rank tier, and the choice between scans and indexes."""

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
"""Rows that the word index returns so quickly that scanning in score order does not pay off."""
_MIN_PREFIX_SHARE = 0.005
"""Minimum share of rows assumed for a prefix with too many words to list."""
_SCAN_ROW_COST = 1 / 3
"""Cost of a row scanned in score order, relative to a row from the word index."""
_FILTERED_ROW_COST = 3
"""Cost of a row selected by filters, relative to a row from the word index."""
_SCAN_SAFETY_FACTOR = 3
"""Ratio of the rows to scan to the rows expected to contain enough matches."""


@frozen
class TermGroup:
    """The alternative lexemes of a search term in a tier: a row matches with any of them."""

    lexemes: tuple[str, ...]
    prefixes: tuple[str, ...]
    """Prefixes of lexemes; every lexeme with one of them matches."""
    is_exhaustive: bool
    """Whether `lexemes` contains all lexemes with the prefixes."""

    def condition(self) -> str:
        """Return the tsquery that is fastest to check on a single row."""
        others = (lexeme for lexeme in self.lexemes if not lexeme.startswith(self.prefixes))
        prefixes = (f"{_quote(prefix)}:*" for prefix in self.prefixes)
        return _any_of([*map(_quote, others), *prefixes])

    def index_condition(self) -> str:
        """Return the equivalent tsquery that is fastest for an index: without prefixes."""
        return _any_of(map(_quote, self.lexemes)) if self.is_exhaustive else self.condition()

    def share(self, statistics: TermStatistics) -> float:
        """Return the approximate share of rows that match."""
        if self.is_exhaustive:
            return min(1.0, sum(map(statistics.share, self.lexemes)))
        common = sum(map(statistics.prefix_share, self.prefixes))
        return min(1.0, max(common, _MIN_PREFIX_SHARE))  # many rare words add up


def term_group(term: Term, tier: RankTier, fields: Sequence[SearchField]) -> TermGroup:
    """Return the lexemes of a term in some fields that match as in a tier or better."""
    expansions = term.up_to(tier.kind)
    letters = [FIELD_LETTERS[field] for field in fields]
    stems = dict.fromkeys(stem for expansion in expansions for stem in expansion.stems)
    term_prefixes = [item.prefix for item in expansions if item.prefix is not None]
    lexemes = [f"{letter}{stem}" for letter in letters for stem in stems]
    if INGREDIENTS_LETTER in letters:
        lexemes += dict.fromkeys(
            f"#{category_id}" for item in expansions for category_id in item.category_ids
        )
    prefixes = tuple(f"{letter}{prefix}" for letter in letters for prefix in term_prefixes)
    return TermGroup(tuple(lexemes), prefixes, all(map(_is_exhaustive, expansions)))


def _is_exhaustive(expansion: Expansion) -> bool:
    return expansion.prefix is None or bool(expansion.stems)


@frozen
class TierLookup:
    """Conditions of one tier, as tsqueries."""

    condition: str
    index_condition: str
    scan_length: int = 0
    """Rows to scan in score order before the word index is used."""


@frozen
class SearchPlan:
    """Plan that finds the best matches of a search, tier by tier."""

    parsed_query: ParsedQuery
    statistics: TermStatistics
    max_rows: int = 0
    """Maximum number of matches to return."""
    category_ids: Sequence[int] | None = None
    """Category filter, if it has few categories."""
    filtered_rows: float | None = None
    """Estimated number of rows that pass the other filters, if they may be few."""
    tiers: Sequence[RankTier] = field(init=False)

    @tiers.default
    def _(self) -> Sequence[RankTier]:
        return self.parsed_query.tiers if self.parsed_query.terms else ()

    def tier_lookup(self, tier: RankTier) -> TierLookup:
        """Return the conditions of a tier."""
        groups = self._groups(tier, range(tier.field + 1))
        # A single term matches in the field of the tier, or the product is in a better tier.
        is_single = len(self.parsed_query.terms) == 1
        index_groups = self._groups(tier, (tier.field,)) if is_single else groups
        condition = _all_of(group.condition() for group in groups)
        scan_length = self._scan_length(index_groups)
        return TierLookup(condition, _index_condition(index_groups), scan_length)

    def combined_lookup(self) -> TierLookup:
        """Return the conditions that match in any tier."""
        groups = self._widest_groups()
        return TierLookup(_all_of(group.condition() for group in groups), _index_condition(groups))

    def category_condition(self) -> str:
        """Return the condition of the category filter."""
        return _category_group(self.category_ids or ()).condition()

    def estimated_matches(self) -> float:
        """Return the estimated number of matches in all tiers, as if terms were independent."""
        return (
            self._estimated_rows(self._widest_groups()) * self._filtered_share if self.tiers else 0
        )

    @property
    def should_scan_filtered(self) -> bool:
        """Return whether scanning all filtered rows is the cheapest way."""
        if self.filtered_rows is None or not self.tiers:
            return False
        groups = self._widest_groups()
        scan_cost = self._scan_needed(groups) * _SCAN_ROW_COST
        return self.filtered_rows * _FILTERED_ROW_COST < min(
            scan_cost, self._estimated_rows(_index_groups(groups))
        )

    @property
    def should_count_filtered(self) -> bool:
        """Whether counting matches among the filtered rows is cheaper than by the word index."""
        if self.filtered_rows is None or not self.tiers:
            return False
        return self.filtered_rows * _FILTERED_ROW_COST < self._estimated_rows(
            _index_groups(self._widest_groups())
        )

    def should_scan_in_order(self, limit: int) -> bool:
        """Return whether a scan in any sort order soon reaches `limit` matches."""
        matches = self.estimated_matches()
        # Rows to scan are `scan_rows / matches`; compared without a division.
        scan_rows = _SCAN_SAFETY_FACTOR * limit * self.statistics.rows
        return matches > 0 and scan_rows < matches * matches

    @property
    def _filtered_share(self) -> float:
        return (
            1.0
            if self.filtered_rows is None or not self.statistics.rows
            else self.filtered_rows / self.statistics.rows
        )

    def _estimated_rows(self, groups: Sequence[TermGroup]) -> float:
        return self.statistics.rows * prod(group.share(self.statistics) for group in groups)

    def _scan_needed(self, groups: Sequence[TermGroup]) -> float:
        """Return the rows to scan in score order to find enough matches of all groups."""
        matches = self._estimated_rows(groups) * self._filtered_share
        if not matches:
            return inf
        return _SCAN_SAFETY_FACTOR * self.max_rows * self.statistics.rows / matches

    def _scan_length(self, groups: Sequence[TermGroup]) -> int:
        index_rows = self._estimated_rows(_index_groups(groups))
        scan_rows = self._scan_needed(groups)
        return (
            int(scan_rows)
            if index_rows > MAX_INDEX_ONLY_ROWS and scan_rows * _SCAN_ROW_COST < index_rows
            else 0
        )

    def _widest_groups(self) -> list[TermGroup]:
        return self._groups(self.tiers[-1], SearchField) if self.tiers else []

    def _groups(self, tier: RankTier, fields: Iterable[int]) -> list[TermGroup]:
        search_fields = [SearchField(field) for field in fields]
        groups = [term_group(term, tier, search_fields) for term in self.parsed_query.terms]
        return (
            groups if self.category_ids is None else [*groups, _category_group(self.category_ids)]
        )


def _category_group(category_ids: Sequence[int]) -> TermGroup:
    """Return the group that matches products in any of the categories."""
    return TermGroup(tuple(f"#{number}" for number in category_ids), (), is_exhaustive=True)


def _index_condition(groups: Sequence[TermGroup]) -> str:
    """Return the tsquery for the index, which misses no match.

    Prefixes with too many words to list are left to the condition on rows, if other groups remain.
    """
    return _all_of(group.index_condition() for group in _index_groups(groups))


def _index_groups(groups: Sequence[TermGroup]) -> Sequence[TermGroup]:
    """Return the groups that the index is used for."""
    return [group for group in groups if group.is_exhaustive] or groups


def _quote(lexeme: str) -> str:
    return f"'{lexeme}'"


def _any_of(operands: Iterable[str]) -> str:
    return " | ".join(operands) or NO_LEXEME


def _all_of(operands: Iterable[str]) -> str:
    return " & ".join(f"({operand})" for operand in operands) or NO_LEXEME
