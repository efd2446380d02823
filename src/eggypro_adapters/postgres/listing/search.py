"""Product search in Postgres, in two round trips: vocabulary lookup, then matches."""

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen
from psycopg.types.numeric import Int4

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.listing.facets import facets_from_row
from eggypro_adapters.postgres.listing.pages import page_from_rows, page_statement, page_values
from eggypro_adapters.postgres.listing.search_plan import Sample, SearchPlan
from eggypro_adapters.postgres.listing.search_statements import (
    PRODUCT_LEXEMES,
    SearchShape,
    ranking_statement,
    row_estimate_statement,
    sample_statement,
    search_facets_statement,
    suggestions_statement,
)
from eggypro_adapters.postgres.listing.term_statistics import TermStatisticsReader
from eggypro_adapters.postgres.listing.vocabulary import MAX_CATEGORY_IDS, PostgresVocabulary
from eggypro_adapters.postgres.search_index import FIELDS_BY_LETTER
from eggypro_core.domain.pagination import MAX_ID, Page
from eggypro_core.domain.product import ListedProduct
from eggypro_core.domain.product_query import (
    MAX_RANKED_RESULTS,
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

_FIRST_POSITION = (SCORE_RANGE, MAX_ID)
_LAST_POSITION = (-1, -1)


@frozen
class SearchRun:
    """A query with its plan and the shape of its statements."""

    query: ProductQuery
    plan: SearchPlan
    shape: SearchShape

    def values(self) -> dict[str, object]:
        """Return the parameters of the statements of `shape`."""
        query, lookup = self.query, self.plan.combined_lookup()
        values: dict[str, object] = {
            "code_matches": [Int4(id_) for id_ in sorted(self.plan.parsed_query.code_matches)],
            "condition": lookup.condition,
            "index_condition": lookup.index_condition,
            "category_condition": self.plan.category_condition(),
            "category": query.category,
            "min_price": query.min_price,
            "max_price": query.max_price,
            "max_rows": Int4(self.plan.max_rows),
            "start_relevance": Int4(MAX_ID),
            "start_id": Int4(MAX_ID),
            "row_offset": Int4(query.offset),
        }
        if query.after and self.plan.max_rows:
            relevance, id_ = query.start_key()
            values |= {"start_relevance": Int4(int(str(relevance))), "start_id": Int4(id_)}
        for n, tier in enumerate(self.plan.tiers):
            lookup = self.plan.tier_lookup(tier)
            values |= {
                f"condition{n}": lookup.condition,
                f"index_condition{n}": lookup.index_condition,
                f"scan_length{n}": Int4(lookup.scan_length),
            }
        return values | dict(self._cursor_positions())

    def _cursor_positions(self) -> Iterator[tuple[str, object]]:
        """Yield the position, a score and an id, after which each tier starts."""
        after = self.query.start_key() if self.query.after and self.plan.max_rows else None
        start_tier, score = (
            (None, SCORE_RANGE) if after is None else tier_and_score(int(str(after[0])))
        )
        for suffix, tier in [("_code", None), *enumerate(self.plan.tiers)]:
            is_later = tier is not None and (start_tier is None or tier > start_tier)
            if after is None or is_later:
                position = _FIRST_POSITION
            else:
                position = (score, after[1]) if tier == start_tier else _LAST_POSITION
            yield f"score{suffix}", Int4(position[0])
            yield f"id{suffix}", Int4(position[1])


@frozen
class _ParsedSearch:
    """A parsed search, and the category ids of its filter, if any."""

    parsed_query: ParsedQuery
    category_ids: Sequence[int] | None = None


@frozen
class PostgresSearch:
    """Search products by words.

    Without a match, the search is repeated with words one edit away.
    """

    _database: Database
    _statistics: TermStatisticsReader

    def list(self, query: ProductQuery) -> Page[ListedProduct, ProductQuery]:
        """Return a page of results."""
        return self._search(query)[0]

    def explain(self, query: ProductQuery) -> ExplainedPage:
        """Return a page of results with the reasons for their ranking."""
        page, parsed_query = self._search(query)
        lexemes = dict(
            self._database.fetch(PRODUCT_LEXEMES, {"ids": [item.id for item in page.items]})
        )
        reasons = [
            _rank_reason(parsed_query, item, lexemes.get(item.id, ())) for item in page.items
        ]
        return ExplainedPage(page, parsed_query, reasons)

    def condition(self, query: ProductQuery) -> SearchRun:
        """Return the shape and values of the condition that a product matches a search."""
        page_query = evolve(query, sort=Sort.NAME, limit=1, offset=0, after=None)
        search = self._parse(page_query, fuzzy=False)
        if not self._page(page_query, search).total:
            search = self._parse(page_query, fuzzy=True)
        return self._plan_run(page_query, search, 0)

    def facets(self, query: ProductQuery, *, allow_sample: bool) -> Facets:
        """Return the facets of all matches, from a sample if `allow_sample`."""
        search = self._parse(query, fuzzy=False)
        facets = self._facets(query, search, allow_sample=allow_sample)
        if facets.min_price is not None:
            return facets
        fuzzy = self._parse(query, fuzzy=True)
        return facets if fuzzy == search else self._facets(query, fuzzy, allow_sample=allow_sample)

    def suggest(self, search: str) -> tuple[Suggestion, ...]:
        """Return the best matches of a search, without a total."""
        query = ProductQuery(search=search, sort=Sort.RELEVANCE)
        exact = self._parse(query, fuzzy=False)
        suggestions = self._suggestions(query, exact)
        if suggestions:
            return suggestions
        fuzzy = self._parse(query, fuzzy=True)
        return () if fuzzy == exact else self._suggestions(query, fuzzy)

    def _search(self, query: ProductQuery) -> tuple[Page[ListedProduct, ProductQuery], ParsedQuery]:
        """Return a page of results, and the parsed query that found them."""
        search = self._parse(query, fuzzy=False)
        page = self._page(query, search)
        if not page.total:
            fuzzy = self._parse(query, fuzzy=True)
            if fuzzy != search:
                return self._page(query, fuzzy), fuzzy.parsed_query
        return page, search.parsed_query

    def sampled_facets(self, query: ProductQuery) -> Facets:
        """Return the facets of a query without a search, from a sample."""
        return self._facets(query, _ParsedSearch(ParsedQuery(())), allow_sample=True)

    def _parse(self, query: ProductQuery, *, fuzzy: bool) -> _ParsedSearch:
        text = query.search or ""
        tokens = tokenize_query(text)
        vocabulary = PostgresVocabulary.load(
            self._database, tokens, text, query.category, fuzzy=fuzzy
        )
        terms = expand_terms(tokens, vocabulary, fuzzy=fuzzy)
        return _ParsedSearch(ParsedQuery(terms, vocabulary.code_matches), vocabulary.category_ids)

    def _page(
        self, query: ProductQuery, search: _ParsedSearch
    ) -> Page[ListedProduct, ProductQuery]:
        if query.sort is Sort.RELEVANCE:
            run = self._plan_run(query, search, _max_ranked_rows(query))
            return page_from_rows(
                self._database.fetch(ranking_statement(run.shape), run.values()), query
            )
        run = self._plan_run(query, search, 0)
        values = page_values(query) | run.values()
        if run.plan.should_scan_in_order(query.offset + query.limit + 1):
            statement = page_statement(query, run.shape, should_scan_in_order=True)
            page = page_from_rows(self._database.fetch(statement, values), query)
            if page.next_query is not None:
                return page
        return page_from_rows(self._database.fetch(page_statement(query, run.shape), values), query)

    def _suggestions(self, query: ProductQuery, search: _ParsedSearch) -> tuple[Suggestion, ...]:
        run = self._plan_run(query, search, MAX_SUGGESTIONS)
        rows = self._database.fetch(suggestions_statement(run.shape), run.values())
        return tuple(Suggestion(*row) for row in rows)

    def _facets(self, query: ProductQuery, search: _ParsedSearch, *, allow_sample: bool) -> Facets:
        run = self._plan_run(query, search, 0)
        is_sampled = allow_sample and run.plan.has_many_matches
        shape = evolve(run.shape, has_sampled_facets=is_sampled)
        rows = self._database.fetch(search_facets_statement(shape), run.values())
        return facets_from_row(rows[0], run.plan.statistics.rows if is_sampled else None)

    def _plan_run(self, query: ProductQuery, search: _ParsedSearch, max_rows: int) -> SearchRun:
        """Choose the plan and the statements of a search."""
        ids = search.category_ids
        has_category_ids = ids is not None and len(ids) <= MAX_CATEGORY_IDS
        shape = SearchShape(
            status=query.status,
            listed=query.listed,
            in_stock=query.in_stock,
            has_min_price=query.min_price is not None,
            has_max_price=query.max_price is not None,
            has_category_ids=has_category_ids,
            has_category_filter=query.category is not None and not has_category_ids,
        )
        plan = SearchPlan(
            search.parsed_query,
            self._statistics(),
            max_rows,
            ids if has_category_ids else None,
            self._estimate_filtered_rows(query, shape) if shape.has_selective_filter else None,
        )
        if plan.needs_sample:
            plan = evolve(plan, sample=self._sample(query, shape, plan))
        shape = evolve(
            shape,
            tiers=tuple(plan.tiers),
            is_total_known=plan.surely_has(MAX_RANKED_RESULTS),
            should_scan_filtered=plan.should_scan_filtered,
            has_many_matches=plan.should_merge,
            is_by_tier=plan.should_search_by_tier,
        )
        return SearchRun(query, plan, shape)

    def _sample(self, query: ProductQuery, shape: SearchShape, plan: SearchPlan) -> Sample:
        terms, tiers = plan.sample_conditions()
        values = {
            "terms": terms,
            "tiers": tiers,
            "condition": tiers[-1],
            "category": query.category,
            "min_price": query.min_price,
            "max_price": query.max_price,
        }
        return Sample(*self._database.fetch(sample_statement(shape), values)[0])

    def _estimate_filtered_rows(self, query: ProductQuery, shape: SearchShape) -> float:
        """Return the planner's estimate of the rows that pass the filters."""
        values = {"min_price": query.min_price, "max_price": query.max_price}
        plans = self._database.fetch(row_estimate_statement(shape), values)[0][0]
        return float(plans[0]["Plan"]["Plan Rows"])


def _rank_reason(
    parsed_query: ParsedQuery, item: ListedProduct, lexemes: Sequence[str]
) -> RankReason:
    """Return the reason for the rank of an item with these lexemes."""
    score = rank_score(item.rating.average, in_stock=item.in_stock)
    if item.id in parsed_query.code_matches:
        return RankReason(None, score)
    stems = {
        lexeme[1:]: FIELDS_BY_LETTER[lexeme[0]]
        for lexeme in lexemes
        if lexeme[0] in FIELDS_BY_LETTER
    }
    category_ids = [int(lexeme[1:]) for lexeme in lexemes if lexeme[0] not in FIELDS_BY_LETTER]
    return parsed_query.explain(DocumentTerms(stems, frozenset()), category_ids, score)


def _max_ranked_rows(query: ProductQuery) -> int:
    """Return the number of ranked rows that a query needs."""
    return query.offset + min(query.limit + 1, query.ranked_rows_left)
