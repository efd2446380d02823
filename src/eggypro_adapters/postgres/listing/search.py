"""A search in Postgres, which takes two round trips: the words first, then what fits them."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen
from psycopg.types.numeric import Int4

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.listing.facets import facets_in
from eggypro_adapters.postgres.listing.pages import page_of, page_statement, page_values
from eggypro_adapters.postgres.listing.search_plan import Plan
from eggypro_adapters.postgres.listing.search_statements import (
    SURELY,
    WORDS,
    Shape,
    faceted,
    left,
    ranked,
    suggested,
)
from eggypro_adapters.postgres.listing.term_statistics import FrequencyReader
from eggypro_adapters.postgres.listing.vocabulary import INSIDE, Known
from eggypro_adapters.postgres.search_index import FIELDS
from eggypro_core.domain.pagination import HIGHEST_ID, Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import SUGGESTED, Facets, ProductQuery, Sort, Suggestion
from eggypro_core.search.query import (
    SCORES,
    Reading,
    Reason,
    read_search,
    score_of,
    tier_and_score,
    tokens_of,
)
from eggypro_core.search.results import Explained
from eggypro_core.search.text import Entry

_MANY = 3_000
"""Rows that take longer to count than a sample of all takes to draw."""
_FRONT = (SCORES, HIGHEST_ID)
_BEHIND_ALL = (-1, -1)


@frozen
class _Looking:
    """What is looked for, and how."""

    query: ProductQuery
    plan: Plan
    shape: Shape

    def values(self) -> dict[str, object]:
        """Return the parameters of the statements of its shape."""
        query, every = self.query, self.plan.everything()
        values: dict[str, object] = {
            "named": Int4(self.plan.reading.named or 0),
            "every": every.condition,
            "lookup": every.lookup,
            "rows": self.plan.known.rows,
            "inside": self.plan.inside_condition(),
            "category": query.category,
            "min_price": query.min_price,
            "max_price": query.max_price,
            "most": Int4(self.plan.most),
            "row_offset": Int4(query.offset),
        }
        for n, tier in enumerate(self.plan.tiers):
            wanted = self.plan.wanted(tier)
            values |= {f"fits{n}": wanted.condition, f"lookup{n}": wanted.lookup}
            values[f"head{n}"] = Int4(0 if self.shape.is_of_few else wanted.head)
        return values | dict(self._places())

    def _places(self) -> Iterator[tuple[str, object]]:
        """Give the place that the rows of each tier must lie behind: score and id."""
        after = self.query.start_key() if self.query.after and self.plan.most else None
        tier, score = (None, SCORES) if after is None else tier_and_score(int(str(after[0])))
        for n, each in [("_named", None), *enumerate(self.plan.tiers)]:
            if after is None or (each is not None and (tier is None or each > tier)):
                place = _FRONT
            else:
                place = (score, after[1]) if each == tier else _BEHIND_ALL
            yield f"score{n}", Int4(place[0])
            yield f"id{n}", Int4(place[1])


@frozen
class _Asked:
    """A search as it was understood, and the ids of the categories that it is within, if any."""

    reading: Reading
    inside: Sequence[int] | None = None


@frozen
class PostgresSearch:
    """Finds products by words.

    Where they find nothing as they are, each is taken for what is one edit away too.
    """

    _database: Database
    _frequencies: FrequencyReader

    def page(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of what a search finds."""
        return self._found(query)[0]

    def explain(self, query: ProductQuery) -> Explained:
        """Return the page of a search with the reasons for it."""
        page, reading = self._found(query)
        words = dict(self._database.read(WORDS, {"ids": [item.id for item in page.items]}))
        reasons = [_reason(reading, item, words.get(item.id, ())) for item in page.items]
        return Explained(page, reading, reasons)

    def facets(self, query: ProductQuery, *, many: bool) -> Facets:
        """Return what all that is found comes to, from a sample if they are too `many`."""
        asked = self._read(query, forgiving=False)
        facets = self._facets(query, asked, many=many)
        if facets.lowest is not None:
            return facets
        again = self._read(query, forgiving=True)
        return facets if again == asked else self._facets(query, again, many=many)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best of what a search finds, without counting it."""
        query = ProductQuery(search=search, sort=Sort.RELEVANCE)
        asked = self._read(query, forgiving=False)
        found = self._suggestions(query, asked)
        if found:
            return found
        again = self._read(query, forgiving=True)
        return () if again == asked else self._suggestions(query, again)

    def _found(self, query: ProductQuery) -> tuple[Page[ListedProduct, ProductQuery], Reading]:
        """Return a page of what a search finds, and how it was read."""
        asked = self._read(query, forgiving=False)
        page = self._page(query, asked)
        if not page.total:
            again = self._read(query, forgiving=True)
            if again != asked:
                return self._page(query, again), again.reading
        return page, asked.reading

    def sampled_facets(self, query: ProductQuery) -> Facets:
        """Return what a list without a search comes to, from a sample."""
        return self._facets(query, _Asked(Reading(())), many=True)

    def _read(self, query: ProductQuery, *, forgiving: bool) -> _Asked:
        search = query.search or ""
        tokens = tokens_of(search)
        known = Known.of(self._database, tokens, search, query.category, forgiving=forgiving)
        terms = read_search(tokens, known, forgiving=forgiving)
        return _Asked(Reading(terms, known.named), known.inside)

    def _page(self, query: ProductQuery, asked: _Asked) -> Page[ListedProduct, ProductQuery]:
        if query.sort is Sort.RELEVANCE:
            looking = self._look(query, asked, _most(query))
            return page_of(self._database.read(ranked(looking.shape), looking.values()), query)
        looking = self._look(query, asked, 0)
        shape = evolve(looking.shape, is_of_few=False)
        is_walked = looking.plan.is_walked(query.offset + query.limit + 1)
        values = page_values(query) | looking.values()
        rows = self._database.read(page_statement(query, shape, is_walked=is_walked), values)
        return page_of(rows, query)

    def _suggestions(self, query: ProductQuery, asked: _Asked) -> tuple[Suggestion, ...]:
        looking = self._look(query, asked, SUGGESTED)
        rows = self._database.read(suggested(looking.shape), looking.values())
        return tuple(Suggestion(*row) for row in rows)

    def _facets(self, query: ProductQuery, asked: _Asked, *, many: bool) -> Facets:
        looking = self._look(query, asked, 0)
        shape = evolve(looking.shape, is_sampled=many)
        rows = self._database.read(faceted(shape), looking.values())
        return facets_in(rows[0], looking.plan.known.rows if many else None)

    def _look(self, query: ProductQuery, asked: _Asked, most: int) -> _Looking:
        """Decide how to look for what is found."""
        is_named = asked.inside is not None and len(asked.inside) <= INSIDE
        shape = Shape(
            status=query.status,
            in_stock=query.in_stock,
            min_price=query.min_price is not None,
            max_price=query.max_price is not None,
            is_inside=is_named,
            is_within=query.category is not None and not is_named,
        )
        plan = Plan(
            asked.reading,
            self._frequencies(),
            most,
            asked.inside if is_named else None,
            self._left(query, shape) if shape.may_leave_few else None,
        )
        shape = evolve(
            shape,
            tiers=tuple(plan.tiers),
            is_sampled=plan.about() > _MANY and plan.known.rows > SURELY,
            is_of_few=plan.is_of_few,
            is_counted_of_few=plan.is_counted_of_few,
        )
        return _Looking(query, plan, shape)

    def _left(self, query: ProductQuery, shape: Shape) -> float:
        """Return about how many rows the filters leave, as Postgres would plan for them."""
        values = {"min_price": query.min_price, "max_price": query.max_price}
        plans = self._database.read(left(shape), values)[0][0]
        return float(plans[0]["Plan"]["Plan Rows"])


def _reason(reading: Reading, item: ListedProduct, words: Sequence[str]) -> Reason:
    """Return why an item that has words fits a search."""
    score = score_of(item.rating.average, in_stock=item.in_stock)
    if item.id == reading.named:
        return Reason(None, score)
    stems = {word[1:]: FIELDS[word[0]] for word in words if word[0] in FIELDS}
    inside = [int(word[1:]) for word in words if word[0] not in FIELDS]
    return reading.reason(Entry(stems, frozenset()), inside, score)


def _most(query: ProductQuery) -> int:
    """Return how many rows a query needs to see of its ranking."""
    return query.offset + min(query.limit + 1, query.ranked_rows_left)
