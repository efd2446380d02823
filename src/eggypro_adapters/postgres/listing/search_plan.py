"""Search plans: the condition of each rank tier, and the choice between scans and indexes."""

from collections.abc import Iterable, Sequence
from math import inf, prod

from attrs import field, frozen

from eggypro_adapters.postgres.listing.term_statistics import TermStatistics
from eggypro_adapters.postgres.search_index import FIELD_LETTERS, INGREDIENTS_LETTER
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.search.query import Expansion, ParsedQuery, RankTier, Term
from eggypro_core.search.text import SearchField

NO_LEXEME = "'-'"
"""A lexeme that no row has."""
MAX_INDEX_ONLY_ROWS = 1_000
"""Rows that the word index returns so quickly that scanning in score order does not pay off."""
MIN_SAMPLED_ROWS = 10_000
"""Rows of the search index below which no plan is so slow that a sample pays off."""
SAMPLE_ROWS = 1_000
"""Rows of a sample."""
_MAX_RARE_LEXEMES = 10
"""Lexemes that are rare together if each of them is rare."""
_MAX_LOOKUP_COST = 50_000
"""Cost of a lookup by the word index above which it does not follow a scan."""
_MIN_ONLY_SCAN_LENGTH = 20_000
"""Minimum length of a scan that no lookup follows."""
MAX_ORDERED_SCAN = 6_000
"""Rows that are scanned in the order of a sorted search before its matches are looked up."""
_MANY_COUNT = 20
"""Matches in a sample from which looking up each match takes longer than scanning all rows."""
_MIN_COUNT = 4
"""Matches in a sample from which their number among all rows is known well enough to scan."""
_SURE_COUNT = 6
"""Matches in a sample from which their number among all rows is known to a factor of 3."""
_MIN_PREFIX_SHARE = 0.005
"""Minimum share of rows assumed for a prefix with too many words to list."""
_ENTRY_COST = 1 / 15
"""Cost of an entry of the word index, relative to a row from it."""
_SCAN_ROW_COST = 1
"""Cost of a row scanned in score order, relative to a row from the word index."""
_TIER_COST = 0.5
"""Cost of checking whether a row matches in a tier, relative to a row from the word index."""
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
        """Return the tsquery, with prefixes: one is faster than its lexemes, in the index too."""
        others = (lexeme for lexeme in self.lexemes if not lexeme.startswith(self.prefixes))
        prefixes = (f"{_quote(prefix)}:*" for prefix in self.prefixes)
        return _any_of([*map(_quote, others), *prefixes])

    def share(self, statistics: TermStatistics) -> float:
        """Return the approximate share of rows that match."""
        if self.is_exhaustive:
            return min(1.0, sum(map(statistics.share, self.lexemes)))
        common = sum(map(statistics.prefix_share, self.prefixes))
        return min(1.0, max(common, _MIN_PREFIX_SHARE))  # many rare words add up

    def is_rare(self, statistics: TermStatistics) -> bool:
        """Return whether few rows match for sure."""
        return (
            self.is_exhaustive
            and len(self.lexemes) <= _MAX_RARE_LEXEMES
            and not any(map(statistics.is_common, self.lexemes))
        )


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
class Sample:
    """Matches among SAMPLE_ROWS random rows: of each term, and of each tier and better ones."""

    term_counts: Sequence[int]
    tier_counts: Sequence[int]
    """The matches that pass the filters."""


@frozen
class TierLookup:
    """Conditions of one tier, as tsqueries."""

    condition: str
    index_condition: str
    scan_length: int = 0
    """Rows to scan in score order before the word index is used."""


@frozen
class _IndexLookup:
    """The groups that the word index is asked for; the condition on rows has all of them."""

    groups: Sequence[TermGroup]
    rows: float
    """Estimated rows that the index returns."""
    cost: float
    """Cost of these rows and of the entries that the index reads for them."""


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
    sample: Sample | None = None
    tiers: Sequence[RankTier] = field(init=False)

    @tiers.default
    def _(self) -> Sequence[RankTier]:
        return self.parsed_query.tiers if self.parsed_query.terms else ()

    @property
    def needs_sample(self) -> bool:
        """Return whether the statistics do not suffice: many rows may match some term."""
        if not (self._is_large and self.tiers):
            return False
        return not any(group.is_rare(self.statistics) for group in self._widest_groups())

    def sample_conditions(self) -> tuple[list[str], list[str]]:
        """Return the conditions to count in a sample, as tsqueries: of terms, and of tiers."""
        terms = [group.condition() for group in self._widest_groups()]
        return terms, [self._condition(self._tier_groups(tier)) for tier in self.tiers]

    def tier_lookup(self, tier: RankTier) -> TierLookup:
        """Return the conditions of a tier."""
        lookup = self._tier_index_lookup(tier)
        condition = self._condition(self._tier_groups(tier))
        scan_length = int(self._scan_length(lookup, self._tier_matches(tier, lookup)))
        if scan_length and self.sample is not None and lookup.cost > _MAX_LOOKUP_COST:
            return TierLookup(condition, NO_LEXEME, max(scan_length, _MIN_ONLY_SCAN_LENGTH))
        return TierLookup(condition, self._condition(lookup.groups), scan_length)

    def combined_lookup(self) -> TierLookup:
        """Return the conditions that match in any tier."""
        groups = self._widest_groups()
        return TierLookup(self._condition(groups), self._condition(self._lookup(groups).groups))

    def category_condition(self) -> str:
        """Return the condition of the category filter."""
        return self._condition([_category_group(self.category_ids or ())])

    def estimated_matches(self) -> float:
        """Return the estimated number of matches in all tiers."""
        if not self.tiers:
            return 0
        if self.sample is not None:
            return self.sample.tier_counts[-1] / SAMPLE_ROWS * self.statistics.rows
        return self._estimated_rows(self._widest_groups()) * self._filtered_share

    @property
    def has_many_matches(self) -> bool:
        """Return whether there are so many matches that a sample of all rows has enough of them."""
        return not self.tiers or self.estimated_matches() > MAX_EXACT_TOTAL

    @property
    def should_merge(self) -> bool:
        """Return whether matches are so many that a scan of all rows in order should meet them."""
        return self._sample_count >= _MANY_COUNT

    def surely_has(self, matches: int) -> bool:
        """Return whether there are more matches than this number, according to the sample."""
        return (
            self._sample_count >= _SURE_COUNT
            and self.estimated_matches() > _SCAN_SAFETY_FACTOR * matches
        )

    @property
    def should_search_by_tier(self) -> bool:
        """Return whether searching tier by tier is cheaper than ranking all matches."""
        if self._is_large and self.sample is None:
            return False  # some term is rare
        cost = 0.0
        for tier in self.tiers:
            lookup = self._tier_index_lookup(tier)
            matches = self._tier_matches(tier, lookup)
            scan_rows = self._scan_length(lookup, matches)
            if matches or self.filtered_rows is not None:
                cost += scan_rows * _SCAN_ROW_COST or lookup.cost
            if matches > self.max_rows:  # later tiers are not evaluated
                return cost < self._ranking_cost
        return False

    @property
    def should_scan_filtered(self) -> bool:
        """Return whether all matches are looked up among the filtered rows, not by words."""
        return self._filtered_cost < self._lookup(self._widest_groups()).cost

    @property
    def _ranking_cost(self) -> float:
        """Return the cost of looking up all matches, and of finding the tier of each."""
        lookup = self._lookup(self._widest_groups())
        matches = min(self.estimated_matches(), lookup.rows)
        tier_cost = matches * len(self.tiers) * _TIER_COST
        return min(self._filtered_cost, lookup.cost) + tier_cost

    @property
    def _filtered_cost(self) -> float:
        return inf if self.filtered_rows is None else self.filtered_rows * _FILTERED_ROW_COST

    def should_scan_in_order(self, limit: int) -> bool:
        """Return whether a scan in any sort order soon reaches `limit` matches, if not for sure."""
        matches = self.estimated_matches()
        if not matches or (self._is_large and self._sample_count < _MIN_COUNT):
            return False
        scan_rows = _SCAN_SAFETY_FACTOR * limit * self.statistics.rows / matches
        return scan_rows <= min(MAX_ORDERED_SCAN, self._lookup(self._widest_groups()).cost)

    @property
    def _is_large(self) -> bool:
        return self.statistics.rows >= MIN_SAMPLED_ROWS

    @property
    def _sample_count(self) -> int:
        """Return the number of matches in the sample; 0 without a sample."""
        return self.sample.tier_counts[-1] if self.sample else 0

    @property
    def _filtered_share(self) -> float:
        return (
            1.0
            if self.filtered_rows is None or not self.statistics.rows
            else self.filtered_rows / self.statistics.rows
        )

    def _estimated_rows(self, groups: Sequence[TermGroup]) -> float:
        return self.statistics.rows * prod(map(self._share, groups, range(len(groups))))

    def _share(self, group: TermGroup, number: int) -> float:
        """Return the share of rows that match the group of a term, by its number."""
        share = group.share(self.statistics)
        if self.sample is None:
            return share
        sampled_share = (self.sample.term_counts[number] + 1) / SAMPLE_ROWS
        return min(share, sampled_share) if group.is_exhaustive else sampled_share

    def _lookup(self, groups: Sequence[TermGroup], tier: RankTier | None = None) -> _IndexLookup:
        """Return the cheapest lookup of the matches in a tier and better ones; or in any tier.

        It is by the rarest groups, while a further one saves rows; or by all, if few rows match.
        """
        total = self.statistics.rows
        shares = sorted((self._share(group, n), n) for n, group in enumerate(groups))
        if self.sample is None:  # nobody knows how rare an unlisted prefix is
            listed = [item for item in shares if groups[item[1]].is_exhaustive]
            shares = listed or shares
        rows, entries, cost = total, 0.0, inf
        used: list[TermGroup] = []
        for share, number in shares:
            entries += total * share
            cost_with_group = entries * _ENTRY_COST + rows * share
            if cost_with_group > cost:
                break
            rows, cost = rows * share, cost_with_group
            used.append(groups[number])
        if self.sample is not None and self.filtered_rows is None:
            count = self.sample.tier_counts[self.tiers.index(tier) if tier else -1]
            matches = (count + 1) / SAMPLE_ROWS * total
            entries = total * sum(share for share, _ in shares)
            if matches + entries * _ENTRY_COST < cost:
                return _IndexLookup(groups, matches, matches + entries * _ENTRY_COST)
        return _IndexLookup(used, rows, cost)

    def _tier_index_lookup(self, tier: RankTier) -> _IndexLookup:
        # A single term matches in the field of the tier, or the product is in a better tier.
        is_single = len(self.parsed_query.terms) == 1
        groups = self._groups(tier, (tier.field,)) if is_single else self._tier_groups(tier)
        return self._lookup(groups, tier)

    def _tier_matches(self, tier: RankTier, lookup: _IndexLookup) -> float:
        """Return the estimated number of matches in a tier and better ones."""
        if self.sample is None:
            return lookup.rows * self._filtered_share
        count = self.sample.tier_counts[self.tiers.index(tier)]
        min_count = 1 if lookup.cost > _MAX_LOOKUP_COST else _MIN_COUNT
        return count / SAMPLE_ROWS * self.statistics.rows if count >= min_count else 0

    def _scan_needed(self, matches: float) -> float:
        """Return the rows to scan in score order to find enough of so many matches."""
        if not matches:
            return inf
        return _SCAN_SAFETY_FACTOR * self.max_rows * self.statistics.rows / matches

    def _scan_length(self, lookup: _IndexLookup, matches: float) -> float:
        scan_rows = self._scan_needed(matches)
        pays_off = lookup.rows > MAX_INDEX_ONLY_ROWS and scan_rows * _SCAN_ROW_COST < lookup.cost
        return scan_rows if pays_off else 0

    def _widest_groups(self) -> list[TermGroup]:
        return self._groups(self.tiers[-1], SearchField) if self.tiers else []

    def _tier_groups(self, tier: RankTier) -> list[TermGroup]:
        return self._groups(tier, range(tier.field + 1))

    def _groups(self, tier: RankTier, fields: Iterable[int]) -> list[TermGroup]:
        search_fields = [SearchField(field) for field in fields]
        groups = [term_group(term, tier, search_fields) for term in self.parsed_query.terms]
        return (
            groups if self.category_ids is None else [*groups, _category_group(self.category_ids)]
        )

    @staticmethod
    def _condition(groups: Iterable[TermGroup]) -> str:
        return _all_of(group.condition() for group in groups)


def _category_group(category_ids: Sequence[int]) -> TermGroup:
    """Return the group that matches products in any of the categories."""
    return TermGroup(tuple(f"#{number}" for number in category_ids), (), is_exhaustive=True)


def _quote(lexeme: str) -> str:
    return f"'{lexeme}'"


def _any_of(operands: Iterable[str]) -> str:
    return " | ".join(operands) or NO_LEXEME


def _all_of(operands: Iterable[str]) -> str:
    return " & ".join(f"({operand})" for operand in operands) or NO_LEXEME
