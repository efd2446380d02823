"""SQL statements of searches: ranked matches, totals, suggestions and facets.

If few rows match, all of them are looked up, by the word index or among the rows that pass the
filters, and then ranked. Otherwise, each tier has two branches: a scan of the first rows in score
order, which soon finds enough matches of common words, and a lookup by the word index. UNION ALL
stops at its limit, so later tiers are not evaluated if the first ones suffice.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement
from eggypro_adapters.postgres.listing.facets import (
    MAX_SAMPLE_MATCHES,
    MAX_SAMPLE_ROWS,
    facets_select,
)
from eggypro_adapters.postgres.listing.search_plan import SAMPLE_ROWS
from eggypro_adapters.postgres.product_rows import LISTED_PRODUCT_COLUMNS, category_names
from eggypro_adapters.postgres.schema import products
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.domain.product_query import MAX_RANKED_RESULTS
from eggypro_core.search.query import RankTier, relevance_of
from eggypro_core.validation.parameters import Status

PRODUCT_LEXEMES = CompiledStatement(
    "SELECT product_id, tsvector_to_array(words) FROM product_search"
    " WHERE product_id = ANY(%(ids)s)",
    {},
)
"""Selects the lexemes of products."""

# A subquery: Postgres would otherwise plan for the words of the search, whose frequency it
# overestimates, and parse them for each row.
_QUERY = "(SELECT CAST(:{} AS tsquery))"
_INDEXED_ROWS = f"SELECT * FROM product_search WHERE words @@ {_QUERY.format('{lookup}')} OFFSET 0"
_CONDITION = _QUERY.format("condition")
_FILTERED_ROWS = """
SELECT entry.* FROM products CROSS JOIN LATERAL (
  SELECT * FROM product_search WHERE product_id = products.id OFFSET 0) AS entry
WHERE {filters} OFFSET 0"""
# The score condition is outside the subquery (OFFSET 0): beside the words, Postgres would also read
# the score index.
_SCAN_BRANCH = """
(SELECT {relevance} + score AS relevance, product_id FROM (
  SELECT * FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
  ORDER BY score DESC, product_id DESC LIMIT :scan_length{n}
) AS entry WHERE {condition}{filters} LIMIT :max_rows)"""
_INDEX_BRANCH = """
(SELECT {relevance} + score AS relevance, product_id FROM ({source}) AS entry
WHERE (score, product_id) < (:score{n}, :id{n})
  AND (:scan_length{n} = 0 OR (score, product_id) < (
    SELECT score, product_id FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
    ORDER BY score DESC, product_id DESC LIMIT 1 OFFSET greatest(:scan_length{n} - 1, 0)))
  AND {condition}{filters}
ORDER BY score DESC, product_id DESC LIMIT :max_rows)"""
_IS_CODE_MATCH = "product_id = ANY(CAST(:code_matches AS int[]))"
_IS_NO_CODE_MATCH = "product_id <> ALL(CAST(:code_matches AS int[]))"
_CODE_BRANCH = f"""
(SELECT * FROM (
  SELECT {{relevance}} + score AS relevance, product_id FROM product_search AS entry
  WHERE {_IS_CODE_MATCH} AND (score, product_id) < (:score_code, :id_code){{filters}}
  ORDER BY score DESC, product_id DESC LIMIT :max_rows) AS code_matches)"""
_ALL_MATCHES = f"""
SELECT * FROM product_search AS entry WHERE {_IS_CODE_MATCH}{{code_filters}}
UNION ALL (
  SELECT entry.* FROM ({{source}}) AS entry
  WHERE words @@ {_CONDITION} AND {_IS_NO_CODE_MATCH}{{filters}}
  LIMIT {{limit}})"""
_BEST_MATCHED = """
SELECT relevance, product_id FROM matched
WHERE (relevance, product_id) < (:start_relevance, :start_id)
ORDER BY relevance DESC, product_id DESC LIMIT :max_rows"""
_SAMPLE_ROWS = """
SELECT *, row_number() OVER () AS place FROM (
  SELECT * FROM product_search ORDER BY hashint4(product_id) LIMIT {limit}) AS sampled"""
_SAMPLE_COUNTS = f"""
WITH sampled AS MATERIALIZED (
  SELECT * FROM product_search ORDER BY hashint4(product_id) LIMIT {SAMPLE_ROWS}
), matched AS MATERIALIZED (
  SELECT words FROM sampled AS entry WHERE words @@ {_CONDITION}{{filters}}
)
SELECT ARRAY(
  SELECT (SELECT count(*) FROM sampled WHERE words @@ term)::int
  FROM unnest(CAST(:terms AS tsquery[])) WITH ORDINALITY AS item (term, position)
  ORDER BY position
), ARRAY(
  SELECT (SELECT count(*) FROM matched WHERE words @@ tier)::int
  FROM unnest(CAST(:tiers AS tsquery[])) WITH ORDINALITY AS item (tier, position)
  ORDER BY position
)"""
_IN_CATEGORY = """EXISTS (
  SELECT FROM product_categories JOIN categories ON categories.id = category_id
  WHERE product_categories.product_id = entry.product_id
    AND path @> ARRAY[CAST(:category AS text)] AND is_visible)"""


_MATCHES_BY_ROW = f"""(
  SELECT words @@ {_CONDITION}{{filters}} OR {_IS_CODE_MATCH}{{code_filters}}
  FROM product_search AS entry WHERE product_id = places.id OFFSET 0)"""
MATCHES_BY_INDEX = "products.id = ANY (ARRAY(SELECT product_id FROM matched))"
"""Condition that a product matches a search, by the table of `matches_cte`."""
IS_AMONG_MATCHES = "(products.id IN (SELECT product_id FROM matched)) IS TRUE"
"""The same condition, for a scan of many rows: Postgres hashes the matches."""
MATCHED_COUNT = "SELECT count(*) AS total FROM matched"
"""The statement of the total if there is a table of `matches_cte`."""


@frozen(kw_only=True)
class SearchShape:
    """The parts of a search that change its statements, not only their parameters."""

    tiers: tuple[RankTier, ...] = ()
    status: Status | None
    listed: bool | None
    in_stock: bool | None
    has_min_price: bool
    has_max_price: bool
    has_category_ids: bool
    """Whether the conditions on words include the category ids: for small subtrees."""
    has_category_filter: bool
    """Whether the category is filtered by a subquery: for large subtrees."""
    has_sampled_facets: bool = False
    has_many_matches: bool = False
    """Whether so many products match that a scan in sort order meets them often."""
    is_total_known: bool = False
    """Whether a sample has shown that the total exceeds MAX_RANKED_RESULTS."""
    should_scan_filtered: bool = False
    """Whether all matches are looked up among the rows that pass the filters, not by words."""
    is_by_tier: bool = False
    """Whether the best matches are searched tier by tier, and not by ranking all of them."""

    def filters(self) -> str:
        """Return the conditions on a row of product_search, without those on its words."""
        conditions = {
            "is_active AND is_listed": self.status is None,
            "is_active": self.status is Status.ACTIVE,
            "NOT is_active": self.status is Status.ARCHIVED,
            "is_listed": self.listed is True,
            "NOT is_listed": self.listed is False,
            "score % 2 = 1": self.in_stock is True,
            "score % 2 = 0": self.in_stock is False,
            "price >= CAST(:min_price AS numeric)": self.has_min_price,
            "price <= CAST(:max_price AS numeric)": self.has_max_price,
            _IN_CATEGORY: self.has_category_filter,
        }
        return "".join(f" AND {sql}" for sql, applies in conditions.items() if applies)

    def code_filters(self) -> str:
        """Return the conditions on code matches, whose words are not checked otherwise."""
        by_id = " AND words @@ CAST(:category_condition AS tsquery)"
        return self.filters() + (by_id if self.has_category_ids else "")

    def filtered_rows_sql(self) -> str:
        """Return the statement of the rows that pass the selective filters."""
        conditions = {
            "NOT products.is_active": self.status is Status.ARCHIVED,
            "NOT products.is_listed": self.listed is False,
            "products.stock_quantity <= 0 AND products.track_stock": self.in_stock is False,
            "products.price >= CAST(:min_price AS numeric)": self.has_min_price,
            "products.price <= CAST(:max_price AS numeric)": self.has_max_price,
        }
        filters = " AND ".join(sql for sql, applies in conditions.items() if applies)
        return _FILTERED_ROWS.format(filters=filters or "true")

    @property
    def has_selective_filter(self) -> bool:
        """Return whether there are filters that few rows may pass."""
        return self.filtered_rows_sql() != _FILTERED_ROWS.format(filters="true")


@lru_cache(maxsize=1024)  # more than the number of shapes in use
def ranking_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of a page: total, relevance and columns of `listed_product_from_row`.

    It has one row more than the limit if there is a next page. An empty page still has one row,
    with the total and a null id.
    """
    best = _best_rows(shape)
    page = (
        sa.select(best)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
        .offset(sa.bindparam("row_offset", type_=sa.Integer))
        .subquery("page")
    )
    total = total_sql(shape) if shape.is_by_tier else MATCHED_COUNT
    count = sa.text(total).columns(sa.column("total", sa.Integer)).subquery("counted")
    rows = count.outerjoin(page, sa.true()).outerjoin(products, products.c.id == page.c.product_id)
    statement = (
        sa.select(
            count.c.total, page.c.relevance, *LISTED_PRODUCT_COLUMNS, category_names(products)
        )
        .select_from(rows)
        .order_by(page.c.relevance.desc(), page.c.product_id.desc())
    )
    return _compiled(statement, shape)


@lru_cache(maxsize=64)
def suggestions_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of suggestions: rows of name, slug and image, without a total."""
    best = _best_rows(shape)
    statement = (
        sa.select(products.c.name, products.c.slug, products.c.images[1])
        .join(best, best.c.product_id == products.c.id)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
    )
    return _compiled(statement, shape)


@lru_cache(maxsize=1024)
def search_facets_statement(shape: SearchShape) -> CompiledStatement:
    """Return the facet statement of all matches, or of a sample."""
    columns = "product_id, price, score % 2 = 1 AS in_stock"
    filters = shape.filters()
    if shape.has_sampled_facets:
        condition = f"words @@ {_CONDITION}" if shape.tiers else "true"
        sample = _SAMPLE_ROWS.format(limit=MAX_SAMPLE_ROWS)
        sql = f"SELECT {columns}, place FROM ({sample}) AS entry WHERE {condition}{filters}"
        sql += f" LIMIT {MAX_SAMPLE_MATCHES}"
    else:
        matches = _all_matches_sql(shape, MAX_EXACT_TOTAL + 1)
        sql = f"SELECT {columns}, 0 AS place FROM ({matches}) AS matches"
    matched = sa.text(sql).columns(
        sa.column("product_id", sa.Integer),
        sa.column("price", sa.Numeric),
        sa.column("in_stock", sa.Boolean),
        sa.column("place", sa.BigInteger),
    )
    return CompiledStatement.compile(
        facets_select(matched.cte("matched")), is_prepared=not shape.has_selective_filter
    )


@lru_cache(maxsize=1024)
def sample_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of the counts of a sample: of its `terms`, and of its `tiers`."""
    return CompiledStatement.compile(sa.text(_SAMPLE_COUNTS.format(filters=shape.filters())))


@lru_cache(maxsize=64)
def row_estimate_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of the planner's estimate of the rows that pass the filters."""
    return CompiledStatement.compile(
        sa.text(f"EXPLAIN (FORMAT JSON) {shape.filtered_rows_sql()}"), is_prepared=False
    )


def total_sql(shape: SearchShape) -> str:
    """Return the statement of the total, which above MAX_RANKED_RESULTS may be any number."""
    max_rows = MAX_RANKED_RESULTS + 1
    if shape.is_total_known:
        return f"SELECT {max_rows} AS total"
    return f"SELECT count(*) AS total FROM ({_all_matches_sql(shape, max_rows)}) AS matches"


def _compiled(statement: sa.Select[Any], shape: SearchShape) -> CompiledStatement:
    """Return a statement over `_best_rows`."""
    if not shape.is_by_tier:
        matched = sa.text(_ranked_matches_sql(shape)).columns(
            sa.column("product_id", sa.Integer), sa.column("relevance", sa.Integer)
        )
        statement = statement.add_cte(matched.cte("matched").prefix_with("MATERIALIZED"))
    return CompiledStatement.compile(statement, is_prepared=not shape.has_selective_filter)


def _best_rows(shape: SearchShape) -> sa.Subquery:
    """Return the `max_rows` most relevant rows, by id."""
    sql = f"{' UNION ALL '.join(_branches(shape))} LIMIT :max_rows"
    columns = sa.column("relevance", sa.Integer), sa.column("product_id", sa.Integer)
    return sa.text(sql if shape.is_by_tier else _BEST_MATCHED).columns(*columns).subquery("best")


def _ranked_matches_sql(shape: SearchShape) -> str:
    """Return the statement of all matches, each with its relevance."""
    tiers = "".join(
        f"\n    WHEN words @@ {_QUERY.format(f'condition{n}')} THEN {relevance_of(tier, 0)}"
        for n, tier in enumerate(shape.tiers)
    )
    code_match = f"WHEN {_IS_CODE_MATCH} THEN {relevance_of(None, 0)}"
    return (
        f"SELECT product_id, score + CASE {code_match}{tiers} END AS relevance"
        f" FROM ({_all_matches_sql(shape)}) AS entry"
    )


def _branches(shape: SearchShape) -> Iterator[str]:
    """Yield the branches of the ranking, best tier first."""
    filters = shape.filters()
    yield _CODE_BRANCH.format(relevance=relevance_of(None, 0), filters=shape.code_filters())
    for n, tier in enumerate(shape.tiers):
        better = {index for index in (n - 1, _widest_before(shape.tiers, tier)) if index >= 0}
        condition = f"words @@ {_QUERY.format(f'condition{n}')} AND {_IS_NO_CODE_MATCH}"
        for index in sorted(better):
            condition += f" AND NOT words @@ {_QUERY.format(f'condition{index}')}"
        values = {
            "n": n,
            "relevance": relevance_of(tier, 0),
            "condition": condition,
            "filters": filters,
        }
        yield _SCAN_BRANCH.format(**values)
        source = _INDEXED_ROWS.format(lookup=f"index_condition{n}")
        yield _INDEX_BRANCH.format(**values, source=source)


def matches_by_row(shape: SearchShape) -> str:
    """Return the condition that the product of a row of `places` matches a search."""
    return _MATCHES_BY_ROW.format(filters=shape.filters(), code_filters=shape.code_filters())


def matches_cte(shape: SearchShape) -> sa.CTE:
    """Return the table of all matches, named "matched"; `MATCHES_BY_INDEX` reads it."""
    matches = sa.text(f"SELECT product_id FROM ({_all_matches_sql(shape)}) AS entry")
    matched = matches.columns(sa.column("product_id", sa.Integer)).cte("matched")
    return matched.prefix_with("MATERIALIZED")


def _all_matches_sql(shape: SearchShape, max_rows: int | None = None) -> str:
    """Return the statement of all matches, or of `max_rows` and those by a code."""
    by_words = _INDEXED_ROWS.format(lookup="index_condition")
    source = shape.filtered_rows_sql() if shape.should_scan_filtered else by_words
    return _ALL_MATCHES.format(
        source=source,
        filters=shape.filters(),
        code_filters=shape.code_filters(),
        limit="ALL" if max_rows is None else max_rows,
    )


def _widest_before(tiers: Sequence[RankTier], tier: RankTier) -> int:
    """Return the index of the last tier of a better field, which includes all before it, or -1."""
    return max((n for n, other in enumerate(tiers) if other.field < tier.field), default=-1)
