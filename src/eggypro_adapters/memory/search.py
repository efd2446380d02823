"""The words of a shelf, and what a search finds on it."""

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import frozen

from eggypro_adapters.memory.database import MemoryState
from eggypro_core.domain.product import Product
from eggypro_core.search.query import (
    MAX_PREFIX_EXPANSIONS,
    ParsedQuery,
    QueryToken,
    RankReason,
    expand_terms,
    rank_score,
    relevance_of,
    tokenize_query,
)
from eggypro_core.search.text import deletion_neighbours, stem, tokenize


@frozen
class MemoryVocabulary:
    """The words that ever stood on a shelf."""

    _state: MemoryState
    _stems: frozenset[str]

    @classmethod
    def from_state(cls, shelf: MemoryState) -> "MemoryVocabulary":
        return cls(shelf, frozenset(map(stem, shelf.words)))

    def knows(self, token: QueryToken) -> bool:
        return token.stem in self._stems

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        word = token.word
        longer = [
            one
            for one in self._state.words
            if one != word and (one.startswith(word) or stem(one).startswith(word))
        ]
        return sorted(longer)[: MAX_PREFIX_EXPANSIONS + 1]

    def find_similar(self, token: QueryToken) -> Collection[str]:
        shared = set(deletion_neighbours(token.word))
        return [one for one in self._state.words if not shared.isdisjoint(deletion_neighbours(one))]

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        wanted = set(stems)
        return [
            node.id
            for node in self._state.categories.values()
            if not wanted.isdisjoint(map(stem, tokenize(node.name)))
            and self._state.is_visible(node)
        ]


@frozen
class SearchResult:
    """What a search finds on a shelf: how relevant each product is, by its id."""

    parsed_query: ParsedQuery
    relevance: Mapping[int, int]


def run_search(shelf: MemoryState, search: str, matches: Callable[[Product], bool]) -> SearchResult:
    """Return what a search finds of the products that match otherwise.

    Where its words find nothing as they are, each is taken for what is one edit away too.
    """
    tokens, known = tokenize_query(search), MemoryVocabulary.from_state(shelf)
    named = next((holder.id for sku, holder, _ in shelf.skus() if sku == search), None)

    def read(*, forgiving: bool) -> SearchResult:
        reading = ParsedQuery(expand_terms(tokens, known, fuzzy=forgiving), named)
        return SearchResult(reading, _rank(shelf, reading, matches))

    found = read(forgiving=False)
    return found if found.relevance else read(forgiving=True)


def explain_rank(shelf: MemoryState, reading: ParsedQuery, product: Product) -> RankReason:
    """Return why a product fits a search."""
    score = rank_score(product.rating.average, in_stock=product.in_stock)
    if product.id == reading.sku_match:
        return RankReason(None, score)
    return reading.explain(shelf.document_terms(product), _category_ids(shelf, product), score)


def _rank(
    shelf: MemoryState, reading: ParsedQuery, matches: Callable[[Product], bool]
) -> dict[int, int]:
    found = {}
    for product in filter(matches, shelf.products.values()):
        score = rank_score(product.rating.average, in_stock=product.in_stock)
        if product.id == reading.sku_match:
            found[product.id] = relevance_of(None, score)
        elif tier := reading.tier(shelf.document_terms(product), _category_ids(shelf, product)):
            found[product.id] = relevance_of(tier, score)
    return found


def _category_ids(shelf: MemoryState, product: Product) -> set[int]:
    """Return the ids of the categories that a product is in."""
    return {category for one, category in shelf.links if one == product.id}
