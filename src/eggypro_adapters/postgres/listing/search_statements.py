"""SQL statements of searches: ranked matches, totals, suggestions and facets.

Each tier has two branches: a scan of the first rows in score order, which soon finds enough matches
of common words, and a lookup by the word index, for rare words. Together they are exact. The length
of the scan depends on the frequency of the words. UNION ALL stops at its limit, so later tiers are
not evaluated if the first ones suffice. If other filters leave few rows, those are scanned instead.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement
from eggypro_adapters.postgres.listing.facets import (
    MAX_SAMPLE_MATCHES,
    MAX_SAMPLE_ROWS,
    facets_select,
)
from eggypro_adapters.postgres.product_rows import LISTED_PRODUCT_COLUMNS, category_names
from eggypro_adapters.postgres.schema import products
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL
from eggypro_core.search.query import RankTier, relevance_of
from eggypro_core.validation.parameters import Status

COUNT_SAMPLE_ROWS = 1_000
"""Rows of the sample that decides whether the total exceeds MAX_EXACT_TOTAL."""
MIN_SAMPLED_TOTAL = 4 * MAX_EXACT_TOTAL
"""Matches estimated from a sample above which the total surely exceeds MAX_EXACT_TOTAL."""

PRODUCT_LEXEMES = CompiledStatement(
    "SELECT product_id, tsvector_to_array(words) FROM product_search"
    " WHERE product_id = ANY(%(ids)s)",
    {},
)
"""Selects the lexemes of products."""

_INDEXED_ROWS = "SELECT * FROM product_search WHERE words @@ CAST(:{lookup} AS tsquery) OFFSET 0"
_FILTERED_ROWS = """
SELECT product_search.* FROM products JOIN product_search ON product_id = products.id
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
  WHERE words @@ CAST(:condition AS tsquery) AND {_IS_NO_CODE_MATCH}{{filters}}
  LIMIT {MAX_EXACT_TOTAL + 1})"""
_SAMPLE_ROWS = """
SELECT *, row_number() OVER () AS place FROM (
  SELECT * FROM product_search ORDER BY hashint4(product_id) LIMIT {limit}) AS sampled"""
_SAMPLE_COUNT = f"""
SELECT count(*) FROM ({_SAMPLE_ROWS.format(limit=COUNT_SAMPLE_ROWS)}) AS entry
WHERE words @@ CAST(:condition AS tsquery){{filters}}"""
_IN_CATEGORY = """EXISTS (
  SELECT FROM product_categories JOIN categories ON categories.id = category_id
  WHERE product_categories.product_id = entry.product_id
    AND path @> ARRAY[CAST(:category AS text)] AND is_visible)"""


MATCHES_BY_ROW = f"""(
  SELECT words @@ CAST(:condition AS tsquery) OR {_IS_CODE_MATCH}
  FROM product_search WHERE product_id = products.id OFFSET 0)"""
"""Condition that a product matches a search, looked up per row."""
MATCHES_BY_INDEX = f"""products.id = ANY (ARRAY(
  SELECT product_id FROM ({_INDEXED_ROWS.format(lookup="index_condition")}) AS entry
  WHERE words @@ CAST(:condition AS tsquery)
  UNION SELECT unnest(CAST(:code_matches AS int[]))))"""
"""The same condition, with all matches looked up at once."""


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
    is_sampled: bool = False
    """Whether a sample decides if the total exceeds MAX_EXACT_TOTAL, or facets are sampled."""
    should_scan_filtered: bool = False
    """Whether all rows that pass the filters are scanned."""
    should_count_filtered: bool = False
    """Whether matches are counted among the rows that pass the filters."""

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
    count = sa.text(total_sql(shape)).columns(sa.column("total", sa.Integer)).subquery("counted")
    filtered = sa.text(shape.filtered_rows_sql()).columns(sa.column("product_id")).cte("filtered")
    rows = count.outerjoin(page, sa.true()).outerjoin(products, products.c.id == page.c.product_id)
    return CompiledStatement.compile(
        sa.select(
            count.c.total, page.c.relevance, *LISTED_PRODUCT_COLUMNS, category_names(products)
        )
        .select_from(rows)
        .order_by(page.c.relevance.desc(), page.c.product_id.desc())
        .add_cte(*([filtered] if shape.should_scan_filtered else [])),
        is_prepared=not shape.has_selective_filter,
    )


@lru_cache(maxsize=64)
def suggestions_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of suggestions: rows of name, slug and image, without a total."""
    best = _best_rows(shape)
    return CompiledStatement.compile(
        sa.select(products.c.name, products.c.slug, products.c.images[1])
        .join(best, best.c.product_id == products.c.id)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
    )


@lru_cache(maxsize=1024)
def search_facets_statement(shape: SearchShape) -> CompiledStatement:
    """Return the facet statement of all matches, or of a sample."""
    columns = "product_id, price, score % 2 = 1 AS in_stock"
    filters = shape.filters()
    if shape.is_sampled:
        condition = "words @@ CAST(:condition AS tsquery)" if shape.tiers else "true"
        sample = _SAMPLE_ROWS.format(limit=MAX_SAMPLE_ROWS)
        sql = f"SELECT {columns}, place FROM ({sample}) AS entry WHERE {condition}{filters}"
        sql += f" LIMIT {MAX_SAMPLE_MATCHES}"
    else:
        sql = f"SELECT {columns}, 0 AS place FROM ({_all_matches_sql(shape)}) AS matches"
    matched = sa.text(sql).columns(
        sa.column("product_id", sa.Integer),
        sa.column("price", sa.Numeric),
        sa.column("in_stock", sa.Boolean),
        sa.column("place", sa.BigInteger),
    )
    return CompiledStatement.compile(
        facets_select(matched.cte("matched")), is_prepared=not shape.has_selective_filter
    )


@lru_cache(maxsize=64)
def row_estimate_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of the planner's estimate of the rows that pass the filters."""
    return CompiledStatement.compile(
        sa.text(f"EXPLAIN (FORMAT JSON) {shape.filtered_rows_sql()}"), is_prepared=False
    )


def total_sql(shape: SearchShape) -> str:
    """Return the statement of the total, which above MAX_EXACT_TOTAL may be any number."""
    filters = shape.filters()
    count = f"SELECT count(*) AS total FROM ({_all_matches_sql(shape)}) AS matches"
    if not shape.is_sampled:
        return count
    sample_count = _SAMPLE_COUNT.format(filters=filters)
    is_large = f"({sample_count}) * CAST(:rows AS float8) > {MIN_SAMPLED_TOTAL * COUNT_SAMPLE_ROWS}"
    return f"SELECT CASE WHEN {is_large} THEN {MAX_EXACT_TOTAL + 1} ELSE ({count}) END AS total"


def _best_rows(shape: SearchShape) -> sa.Subquery:
    """Return the `max_rows` most relevant rows, by id."""
    branches = sa.text(f"{' UNION ALL '.join(_branches(shape))} LIMIT :max_rows")
    columns = sa.column("relevance", sa.Integer), sa.column("product_id", sa.Integer)
    return branches.columns(*columns).subquery("best")


def _branches(shape: SearchShape) -> Iterator[str]:
    """Yield the branches of the ranking, best tier first."""
    filters = shape.filters()
    yield _CODE_BRANCH.format(relevance=relevance_of(None, 0), filters=shape.code_filters())
    for n, tier in enumerate(shape.tiers):
        better = {index for index in (n - 1, _widest_before(shape.tiers, tier)) if index >= 0}
        condition = f"words @@ CAST(:condition{n} AS tsquery) AND {_IS_NO_CODE_MATCH}"
        for index in sorted(better):
            condition += f" AND NOT words @@ CAST(:condition{index} AS tsquery)"
        values = {
            "n": n,
            "relevance": relevance_of(tier, 0),
            "condition": condition,
            "filters": filters,
        }
        if not shape.should_scan_filtered:
            yield _SCAN_BRANCH.format(**values)
        source = (
            "SELECT * FROM filtered"
            if shape.should_scan_filtered
            else _INDEXED_ROWS.format(lookup=f"index_condition{n}")
        )
        yield _INDEX_BRANCH.format(**values, source=source)


def _all_matches_sql(shape: SearchShape) -> str:
    """Return the statement of all matches, or of more than MAX_EXACT_TOTAL."""
    if shape.should_scan_filtered:
        source = "SELECT * FROM filtered"
    else:
        by_words = _INDEXED_ROWS.format(lookup="index_condition")
        source = shape.filtered_rows_sql() if shape.should_count_filtered else by_words
    return _ALL_MATCHES.format(
        source=source, filters=shape.filters(), code_filters=shape.code_filters()
    )


def _widest_before(tiers: Sequence[RankTier], tier: RankTier) -> int:
    """Return the index of the last tier of a better field, which includes all before it, or -1."""
    return max((n for n, other in enumerate(tiers) if other.field < tier.field), default=-1)
