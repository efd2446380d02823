"""In-memory search: vocabulary, matching and ranking."""

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import frozen

from eggypro_adapters.memory.database import MemoryState
from eggypro_core.domain.product import Product
from eggypro_core.search.query import (
    MAX_CODE_MATCHES,
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
    """All words that the shop ever contained."""

    _state: MemoryState
    _stems: frozenset[str]

    @classmethod
    def from_state(cls, state: MemoryState) -> "MemoryVocabulary":
        return cls(state, frozenset(map(stem, state.words)))

    def knows(self, token: QueryToken) -> bool:
        return token.stem in self._stems

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        prefix = token.word
        longer_words = [
            word
            for word in self._state.words
            if word != prefix and (word.startswith(prefix) or stem(word).startswith(prefix))
        ]
        return sorted(longer_words)[: MAX_PREFIX_EXPANSIONS + 1]

    def find_similar(self, token: QueryToken) -> Collection[str]:
        neighbours = set(deletion_neighbours(token.word))
        return [
            word
            for word in self._state.words
            if not neighbours.isdisjoint(deletion_neighbours(word))
        ]

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        query_stems = set(stems)
        return [
            node.id
            for node in self._state.categories.values()
            if not query_stems.isdisjoint(map(stem, tokenize(node.name)))
            and self._state.is_visible(node)
        ]


@frozen
class SearchResult:
    """The parsed query and the relevance of each matching product, by id."""

    parsed_query: ParsedQuery
    relevance: Mapping[int, int]


def run_search(state: MemoryState, search: str, matches: Callable[[Product], bool]) -> SearchResult:
    """Return the result of a search among the products that match the filters.

    Without any match, every word also matches the words one edit away.
    """
    tokens, vocabulary = tokenize_query(search), MemoryVocabulary.from_state(state)
    code_matches = frozenset(sorted(state.find_by_code(search))[:MAX_CODE_MATCHES])

    def match(*, fuzzy: bool) -> SearchResult:
        query = ParsedQuery(expand_terms(tokens, vocabulary, fuzzy=fuzzy), code_matches)
        return SearchResult(query, _rank(state, query, matches))

    result = match(fuzzy=False)
    return result if result.relevance else match(fuzzy=True)


def explain_rank(state: MemoryState, query: ParsedQuery, product: Product) -> RankReason:
    """Return the reason for the rank of a product."""
    score = rank_score(product.rating.average, in_stock=product.in_stock)
    if product.id in query.code_matches:
        return RankReason(None, score)
    return query.explain(state.document_terms(product), _category_ids(state, product), score)


def _rank(
    state: MemoryState, query: ParsedQuery, matches: Callable[[Product], bool]
) -> dict[int, int]:
    relevance = {}
    for product in filter(matches, state.products.values()):
        score = rank_score(product.rating.average, in_stock=product.in_stock)
        if product.id in query.code_matches:
            relevance[product.id] = relevance_of(None, score)
        elif tier := query.tier(state.document_terms(product), _category_ids(state, product)):
            relevance[product.id] = relevance_of(tier, score)
    return relevance


def _category_ids(state: MemoryState, product: Product) -> set[int]:
    """Return the ids of a product's categories."""
    return {category for product_id, category in state.links if product_id == product.id}
