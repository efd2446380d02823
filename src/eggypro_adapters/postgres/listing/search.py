"""A search in Postgres, which takes two round trips: the words first, then what fits them."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen
from psycopg.types.numeric import Int4

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.listing.facets import facets_from_row
from eggypro_adapters.postgres.listing.pages import page_from_rows, page_statement, page_values
from eggypro_adapters.postgres.listing.search_plan import SearchPlan
from eggypro_adapters.postgres.listing.search_statements import (
    MIN_SAMPLED_TOTAL,
    PRODUCT_LEXEMES,
    SearchShape,
    ranking_statement,
    row_estimate_statement,
    search_facets_statement,
    suggestions_statement,
)
from eggypro_adapters.postgres.listing.term_statistics import TermStatisticsReader
from eggypro_adapters.postgres.listing.vocabulary import MAX_CATEGORY_IDS, PostgresVocabulary
from eggypro_adapters.postgres.search_index import FIELDS_BY_LETTER
from eggypro_core.domain.pagination import MAX_ID, Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import (
    MAX_SUGGESTIONS,
    Facets,
    ProductQuery,
    Sort,
    Suggestion,
)
from eggypro_core.search.query import (
    SCORE_RANGE,
    ParsedQuery,
    RankReason,
    expand_terms,
    rank_score,
    tier_and_score,
    tokenize_query,
)
from eggypro_core.search.results import ExplainedPage
from eggypro_core.search.text import DocumentTerms

_MAX_UNSAMPLED_MATCHES = 3_000
"""Rows that take longer to count than a sample of all takes to draw."""
_FIRST_POSITION = (SCORE_RANGE, MAX_ID)
_LAST_POSITION = (-1, -1)


@frozen
class _SearchRun:
    """What is looked for, and how."""

    query: ProductQuery
    plan: SearchPlan
    shape: SearchShape

    def values(self) -> dict[str, object]:
        """Return the parameters of the statements of its shape."""
        query, every = self.query, self.plan.combined_lookup()
        values: dict[str, object] = {
            "named": Int4(self.plan.parsed_query.sku_match or 0),
            "every": every.condition,
            "lookup": every.index_condition,
            "rows": self.plan.statistics.rows,
            "inside": self.plan.category_condition(),
            "category": query.category,
            "min_price": query.min_price,
            "max_price": query.max_price,
            "most": Int4(self.plan.max_rows),
            "row_offset": Int4(query.offset),
        }
        for n, tier in enumerate(self.plan.tiers):
            wanted = self.plan.tier_lookup(tier)
            values |= {f"fits{n}": wanted.condition, f"lookup{n}": wanted.index_condition}
            values[f"head{n}"] = Int4(0 if self.shape.should_scan_filtered else wanted.scan_length)
        return values | dict(self._cursor_positions())

    def _cursor_positions(self) -> Iterator[tuple[str, object]]:
        """Give the place that the rows of each tier must lie behind: score and id."""
        after = self.query.start_key() if self.query.after and self.plan.max_rows else None
        tier, score = (None, SCORE_RANGE) if after is None else tier_and_score(int(str(after[0])))
        for n, each in [("_named", None), *enumerate(self.plan.tiers)]:
            if after is None or (each is not None and (tier is None or each > tier)):
                place = _FIRST_POSITION
            else:
                place = (score, after[1]) if each == tier else _LAST_POSITION
            yield f"score{n}", Int4(place[0])
            yield f"id{n}", Int4(place[1])


@frozen
class _ParsedSearch:
    """A search as it was understood, and the ids of the categories that it is within, if any."""

    parsed_query: ParsedQuery
    category_ids: Sequence[int] | None = None


@frozen
class PostgresSearch:
    """Finds products by words.

    Where they find nothing as they are, each is taken for what is one edit away too.
    """

    _database: Database
    _statistics: TermStatisticsReader

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of what a search finds."""
        return self._search(query)[0]

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return the page of a search with the reasons for it."""
        page, reading = self._search(query)
        words = dict(
            self._database.fetch(PRODUCT_LEXEMES, {"ids": [item.id for item in page.items]})
        )
        reasons = [_rank_reason(reading, item, words.get(item.id, ())) for item in page.items]
        return ExplainedPage(page, reading, reasons)

    def facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:
        """Return what all that is found comes to, from a sample if they are too `many`."""
        asked = self._parse(query, fuzzy=False)
        facets = self._facets(query, asked, allow_sample=allow_sample)
        if facets.min_price is not None:
            return facets
        again = self._parse(query, fuzzy=True)
        return facets if again == asked else self._facets(query, again, allow_sample=allow_sample)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best of what a search finds, without counting it."""
        query = ProductQuery(search=search, sort=Sort.RELEVANCE)
        asked = self._parse(query, fuzzy=False)
        found = self._suggestions(query, asked)
        if found:
            return found
        again = self._parse(query, fuzzy=True)
        return () if again == asked else self._suggestions(query, again)

    def _search(self, query: ProductQuery) -> tuple[Page[ListedProduct, ProductQuery], ParsedQuery]:
        """Return a page of what a search finds, and how it was read."""
        asked = self._parse(query, fuzzy=False)
        page = self._page(query, asked)
        if not page.total:
            again = self._parse(query, fuzzy=True)
            if again != asked:
                return self._page(query, again), again.parsed_query
        return page, asked.parsed_query

    def sampled_facets(self, query: ProductQuery) -> Facets:
        """Return what a list without a search comes to, from a sample."""
        return self._facets(query, _ParsedSearch(ParsedQuery(())), allow_sample=True)

    def _parse(self, query: ProductQuery, *, fuzzy: bool) -> _ParsedSearch:
        search = query.search or ""
        tokens = tokenize_query(search)
        known = PostgresVocabulary.load(self._database, tokens, search, query.category, fuzzy=fuzzy)
        terms = expand_terms(tokens, known, fuzzy=fuzzy)
        return _ParsedSearch(ParsedQuery(terms, known.sku_match), known.category_ids)

    def _page(self, query: ProductQuery, asked: _ParsedSearch) -> Page[ListedProduct, ProductQuery]:
        if query.sort is Sort.RELEVANCE:
            looking = self._plan_run(query, asked, _max_ranked_rows(query))
            return page_from_rows(
                self._database.fetch(ranking_statement(looking.shape), looking.values()), query
            )
        looking = self._plan_run(query, asked, 0)
        shape = evolve(looking.shape, should_scan_filtered=False)
        is_walked = looking.plan.should_scan_in_order(query.offset + query.limit + 1)
        values = page_values(query) | looking.values()
        rows = self._database.fetch(
            page_statement(query, shape, should_scan_in_order=is_walked), values
        )
        return page_from_rows(rows, query)

    def _suggestions(self, query: ProductQuery, asked: _ParsedSearch) -> tuple[Suggestion, ...]:
        looking = self._plan_run(query, asked, MAX_SUGGESTIONS)
        rows = self._database.fetch(suggestions_statement(looking.shape), looking.values())
        return tuple(Suggestion(*row) for row in rows)

    def _facets(self, query: ProductQuery, asked: _ParsedSearch, *, allow_sample: bool) -> Facets:
        looking = self._plan_run(query, asked, 0)
        shape = evolve(looking.shape, is_sampled=allow_sample)
        rows = self._database.fetch(search_facets_statement(shape), looking.values())
        return facets_from_row(rows[0], looking.plan.statistics.rows if allow_sample else None)

    def _plan_run(self, query: ProductQuery, asked: _ParsedSearch, most: int) -> _SearchRun:
        """Decide how to look for what is found."""
        is_named = asked.category_ids is not None and len(asked.category_ids) <= MAX_CATEGORY_IDS
        shape = SearchShape(
            status=query.status,
            in_stock=query.in_stock,
            has_min_price=query.min_price is not None,
            has_max_price=query.max_price is not None,
            has_category_ids=is_named,
            has_category_filter=query.category is not None and not is_named,
        )
        plan = SearchPlan(
            asked.parsed_query,
            self._statistics(),
            most,
            asked.category_ids if is_named else None,
            self._estimate_filtered_rows(query, shape) if shape.has_selective_filter else None,
        )
        shape = evolve(
            shape,
            tiers=tuple(plan.tiers),
            is_sampled=plan.estimated_matches() > _MAX_UNSAMPLED_MATCHES
            and plan.statistics.rows > MIN_SAMPLED_TOTAL,
            should_scan_filtered=plan.should_scan_filtered,
            should_count_filtered=plan.should_count_filtered,
        )
        return _SearchRun(query, plan, shape)

    def _estimate_filtered_rows(self, query: ProductQuery, shape: SearchShape) -> float:
        """Return about how many rows the filters leave, as Postgres would plan for them."""
        values = {"min_price": query.min_price, "max_price": query.max_price}
        plans = self._database.fetch(row_estimate_statement(shape), values)[0][0]
        return float(plans[0]["Plan"]["Plan Rows"])


def _rank_reason(reading: ParsedQuery, item: ListedProduct, words: Sequence[str]) -> RankReason:
    """Return why an item that has words fits a search."""
    score = rank_score(item.rating.average, in_stock=item.in_stock)
    if item.id == reading.sku_match:
        return RankReason(None, score)
    stems = {word[1:]: FIELDS_BY_LETTER[word[0]] for word in words if word[0] in FIELDS_BY_LETTER}
    inside = [int(word[1:]) for word in words if word[0] not in FIELDS_BY_LETTER]
    return reading.explain(DocumentTerms(stems, frozenset()), inside, score)


def _max_ranked_rows(query: ProductQuery) -> int:
    """Return how many rows a query needs to see of its ranking."""
    return query.offset + min(query.limit + 1, query.ranked_rows_left)
