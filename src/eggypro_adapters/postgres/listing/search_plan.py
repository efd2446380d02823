"""How a search is looked for in Postgres: what each tier takes, and where it is looked for."""

from collections.abc import Iterable, Sequence
from math import inf, prod

from attrs import field, frozen

from eggypro_adapters.postgres.listing.term_statistics import Frequencies
from eggypro_adapters.postgres.search_index import INGREDIENTS, LETTERS
from eggypro_core.search.query import Meaning, Reading, Term, Tier
from eggypro_core.search.text import Field

NOTHING = "'-'"
"""A lexeme that no row has."""
ALONE = 1_000
"""Rows that the index of words gives so quickly that no head is looked through first."""
_LEAST = 0.005
"""The part of all rows that has one of so many words that they are not listed, at least."""
_HEAD = 1 / 3
"""What a row of the head costs to look at, if one that the index of words leads to costs 1."""
_FEW = 3
"""What a row costs that filters lead to."""
_SURE = 3
"""How many times as many rows are looked through as should have what is wanted among them."""


@frozen
class Group:
    """The lexemes that a word of a search may be in a tier: any of them will do."""

    lexemes: tuple[str, ...]
    prefixes: tuple[str, ...]
    """Of lexemes; every one that begins so is meant."""
    is_listed: bool
    """Whether all that the prefixes mean is among the lexemes."""

    def condition(self) -> str:
        """Return what a row must have, as quickly looked at as can be."""
        rest = (one for one in self.lexemes if not one.startswith(self.prefixes))
        return _any([*map(_quoted, rest), *(f"{_quoted(one)}:*" for one in self.prefixes)])

    def lookup(self) -> str:
        """Return the same as an index should look for it: each lexeme by itself."""
        return _any(map(_quoted, self.lexemes)) if self.is_listed else self.condition()

    def share(self, known: Frequencies) -> float:
        """Return which part of all rows has any of it, about."""
        if self.is_listed:
            return min(1.0, sum(map(known.share, self.lexemes)))
        common = sum(map(known.share_beginning, self.prefixes))
        return min(1.0, max(common, _LEAST))  # of rare words, too, there are many


def group(term: Term, tier: Tier, fields: Sequence[Field]) -> Group:
    """Return what a word may be in some fields, so that it agrees as in a tier or better."""
    meanings = term.upto(tier.fit)
    letters = [LETTERS[one] for one in fields]
    stems = dict.fromkeys(one for meaning in meanings for one in meaning.stems)
    begun = [one.beginning for one in meanings if one.beginning is not None]
    lexemes = [f"{letter}{one}" for letter in letters for one in stems]
    if INGREDIENTS in letters:
        lexemes += dict.fromkeys(f"#{one}" for meaning in meanings for one in meaning.categories)
    prefixes = tuple(f"{letter}{one}" for letter in letters for one in begun)
    return Group(tuple(lexemes), prefixes, all(map(_is_listed, meanings)))


def _is_listed(meaning: Meaning) -> bool:
    return meaning.beginning is None or bool(meaning.stems)


@frozen
class Wanted:
    """What a statement looks for in one tier."""

    condition: str
    lookup: str
    head: int = 0
    """Rows to look through in the order of their score, before the index of words is asked."""


@frozen
class Plan:
    """How the best of a search are looked for, tier by tier."""

    reading: Reading
    known: Frequencies
    most: int = 0
    """Rows that are wanted of it."""
    inside: Sequence[int] | None = None
    """The categories that it is within, if it is within few."""
    left: float | None = None
    """Rows that filters leave besides, about, if they may be few."""
    tiers: Sequence[Tier] = field(init=False)

    @tiers.default
    def _(self) -> Sequence[Tier]:
        return self.reading.tiers if self.reading.terms else ()

    def wanted(self, tier: Tier) -> Wanted:
        """Return what is looked for in a tier."""
        upto = self._groups(tier, range(tier.field + 1))
        # A single word stands in the tier's very field, or its products are in a better tier.
        is_single = len(self.reading.terms) == 1
        exactly = self._groups(tier, (tier.field,)) if is_single else upto
        condition = _all(each.condition() for each in upto)
        return Wanted(condition, _lookup(exactly), self._head(exactly))

    def everything(self) -> Wanted:
        """Return what any tier takes."""
        groups = self._widest()
        return Wanted(_all(each.condition() for each in groups), _lookup(groups))

    def inside_condition(self) -> str:
        """Return what products in any of the categories have that it is within."""
        return _within(self.inside or ()).condition()

    def about(self) -> float:
        """Return about how many rows there are in all tiers, if nothing keeps company."""
        return self._rows(self._widest()) * self._share_left if self.tiers else 0

    @property
    def is_of_few(self) -> bool:
        """Whether what the filters leave is best looked through as a whole."""
        if self.left is None or not self.tiers:
            return False
        groups = self._widest()
        head = self._enough(groups) * _HEAD
        return self.left * _FEW < min(head, self._rows(_listed(groups)))

    @property
    def is_counted_of_few(self) -> bool:
        """Whether what the filters leave is less to count in than what has the words."""
        if self.left is None or not self.tiers:
            return False
        return self.left * _FEW < self._rows(_listed(self._widest()))

    def is_walked(self, most: int) -> bool:
        """Whether so many that fit are met soon, in whatever order rows are looked through."""
        found = self.about()
        return found > 0 and _SURE * most * self.known.rows < found * found

    @property
    def _share_left(self) -> float:
        return 1.0 if self.left is None or not self.known.rows else self.left / self.known.rows

    def _rows(self, groups: Sequence[Group]) -> float:
        return self.known.rows * prod(each.share(self.known) for each in groups)

    def _enough(self, groups: Sequence[Group]) -> float:
        """Return how long a head surely has enough of what has one of each group."""
        found = self._rows(groups) * self._share_left
        return _SURE * self.most * self.known.rows / found if found else inf

    def _head(self, groups: Sequence[Group]) -> int:
        looked_up = self._rows(_listed(groups))
        enough = self._enough(groups)
        return int(enough) if looked_up > ALONE and enough * _HEAD < looked_up else 0

    def _widest(self) -> list[Group]:
        return self._groups(self.tiers[-1], Field) if self.tiers else []

    def _groups(self, tier: Tier, fields: Iterable[int]) -> list[Group]:
        places = [Field(one) for one in fields]
        groups = [group(term, tier, places) for term in self.reading.terms]
        return groups if self.inside is None else [*groups, _within(self.inside)]


def _within(categories: Sequence[int]) -> Group:
    """Return what products in any of some categories have."""
    return Group(tuple(f"#{category}" for category in categories), (), is_listed=True)


def _lookup(groups: Sequence[Group]) -> str:
    """Return what an index looks for, so that no row is missed.

    What begins so, and is too much to list, is left to the condition if there is more to go by.
    """
    return _all(each.lookup() for each in _listed(groups))


def _listed(groups: Sequence[Group]) -> Sequence[Group]:
    """Return what an index is asked for."""
    return [each for each in groups if each.is_listed] or groups


def _quoted(lexeme: str) -> str:
    return f"'{lexeme}'"


def _any(operands: Iterable[str]) -> str:
    return " | ".join(operands) or NOTHING


def _all(operands: Iterable[str]) -> str:
    return " & ".join(f"({each})" for each in operands) or NOTHING
