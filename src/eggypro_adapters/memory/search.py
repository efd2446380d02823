"""The words of a shelf, and what a search finds on it."""

from collections.abc import Callable, Collection, Mapping, Sequence

from attrs import frozen

from eggypro_adapters.memory.database import Shelf
from eggypro_core.domain.product import Product
from eggypro_core.search.query import (
    LISTED,
    Reading,
    Reason,
    Token,
    read_search,
    relevance_of,
    score_of,
    tokens_of,
)
from eggypro_core.search.text import slips, stem, words_of


@frozen
class ShelfVocabulary:
    """The words that ever stood on a shelf."""

    _shelf: Shelf
    _stems: frozenset[str]

    @classmethod
    def of(cls, shelf: Shelf) -> "ShelfVocabulary":
        return cls(shelf, frozenset(map(stem, shelf.words)))

    def knows(self, token: Token) -> bool:
        return token.stem in self._stems

    def beginning(self, token: Token) -> Sequence[str]:
        word = token.word
        longer = [
            one
            for one in self._shelf.words
            if one != word and (one.startswith(word) or stem(one).startswith(word))
        ]
        return sorted(longer)[: LISTED + 1]

    def slipped(self, token: Token) -> Collection[str]:
        shared = set(slips(token.word))
        return [one for one in self._shelf.words if not shared.isdisjoint(slips(one))]

    def categories(self, stems: Collection[str]) -> Sequence[int]:
        wanted = set(stems)
        return [
            node.id
            for node in self._shelf.categories.values()
            if not wanted.isdisjoint(map(stem, words_of(node.name)))
            and self._shelf.is_visible(node)
        ]


@frozen
class Found:
    """What a search finds on a shelf: how relevant each product is, by its id."""

    reading: Reading
    relevance: Mapping[int, int]


def find(shelf: Shelf, search: str, matches: Callable[[Product], bool]) -> Found:
    """Return what a search finds of the products that match otherwise.

    Where its words find nothing as they are, each is taken for what is one edit away too.
    """
    tokens, known = tokens_of(search), ShelfVocabulary.of(shelf)
    named = next((holder.id for sku, holder, _ in shelf.skus() if sku == search), None)

    def read(*, forgiving: bool) -> Found:
        reading = Reading(read_search(tokens, known, forgiving=forgiving), named)
        return Found(reading, _relevance(shelf, reading, matches))

    found = read(forgiving=False)
    return found if found.relevance else read(forgiving=True)


def reason_of(shelf: Shelf, reading: Reading, product: Product) -> Reason:
    """Return why a product fits a search."""
    score = score_of(product.rating.average, in_stock=product.in_stock)
    if product.id == reading.named:
        return Reason(None, score)
    return reading.reason(shelf.entry(product), _inside(shelf, product), score)


def _relevance(
    shelf: Shelf, reading: Reading, matches: Callable[[Product], bool]
) -> dict[int, int]:
    found = {}
    for product in filter(matches, shelf.products.values()):
        score = score_of(product.rating.average, in_stock=product.in_stock)
        if product.id == reading.named:
            found[product.id] = relevance_of(None, score)
        elif tier := reading.tier(shelf.entry(product), _inside(shelf, product)):
            found[product.id] = relevance_of(tier, score)
    return found


def _inside(shelf: Shelf, product: Product) -> set[int]:
    """Return the ids of the categories that a product is in."""
    return {category for one, category in shelf.links if one == product.id}
