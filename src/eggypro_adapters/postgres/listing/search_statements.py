"""The statements of a search: the best of what fits it, their number, what they come to.

Each tier is looked for in two ways, one behind the other: in the head of all rows, in the order of
their score, which soon gives enough of what is common; and by the index of words, for what is rare.
Together they are exact. How long the head is follows from how common the words are. An append stops
as soon as it has enough: later tiers are not looked for at all then. Where other filters leave few
rows, those are looked through instead.
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
"""Rows of a sample, taken to tell whether more fit than are counted."""
MIN_SAMPLED_TOTAL = 4 * MAX_EXACT_TOTAL
"""How many must fit by a sample, to be sure that more do than are counted."""

PRODUCT_LEXEMES = CompiledStatement(
    "SELECT product_id, tsvector_to_array(words) FROM product_search"
    " WHERE product_id = ANY(%(ids)s)",
    {},
)
"""The words of some products."""

_INDEXED_ROWS = "SELECT * FROM product_search WHERE words @@ CAST(:{lookup} AS tsquery) OFFSET 0"
_FILTERED_ROWS = """
SELECT product_search.* FROM products JOIN product_search ON product_id = products.id
WHERE {filters} OFFSET 0"""
# The place in the ranking is looked at outside: beside the words, its index would be read as well.
_SCAN_BRANCH = """
(SELECT {relevance} + score AS relevance, product_id FROM (
  SELECT * FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
  ORDER BY score DESC, product_id DESC LIMIT :head{n}
) AS one WHERE {fits}{filters} LIMIT :most)"""
_INDEX_BRANCH = """
(SELECT {relevance} + score AS relevance, product_id FROM ({source}) AS one
WHERE (score, product_id) < (:score{n}, :id{n})
  AND (:head{n} = 0 OR (score, product_id) < (
    SELECT score, product_id FROM product_search WHERE (score, product_id) < (:score{n}, :id{n})
    ORDER BY score DESC, product_id DESC LIMIT 1 OFFSET greatest(:head{n} - 1, 0)))
  AND {fits}{filters}
ORDER BY score DESC, product_id DESC LIMIT :most)"""
_SKU_BRANCH = """
(SELECT {relevance} + score AS relevance, product_id FROM product_search AS one
WHERE product_id = :named AND (score, product_id) < (:score_named, :id_named){filters})"""
_ALL_MATCHES = f"""
SELECT * FROM product_search AS one WHERE product_id = :named{{named}}
UNION ALL (
  SELECT one.* FROM ({{source}}) AS one
  WHERE words @@ CAST(:every AS tsquery) AND product_id <> :named{{filters}}
  LIMIT {MAX_EXACT_TOTAL + 1})"""
_SAMPLE_ROWS = """
SELECT *, row_number() OVER () AS place FROM (
  SELECT * FROM product_search ORDER BY hashint4(product_id) LIMIT {most}) AS drawn"""
_SAMPLE_COUNT = f"""
SELECT count(*) FROM ({_SAMPLE_ROWS.format(most=COUNT_SAMPLE_ROWS)}) AS one
WHERE words @@ CAST(:every AS tsquery){{filters}}"""
_IN_CATEGORY = """EXISTS (
  SELECT FROM product_categories JOIN categories ON categories.id = category_id
  WHERE product_categories.product_id = one.product_id
    AND path @> ARRAY[CAST(:category AS text)] AND is_visible)"""


MATCHES_BY_ROW = """(
  SELECT words @@ CAST(:every AS tsquery) OR product_id = :named
  FROM product_search WHERE product_id = products.id OFFSET 0)"""
"""Whether a product fits a search, as is looked up for each."""
MATCHES_BY_INDEX = f"""products.id = ANY (ARRAY(
  SELECT product_id FROM ({_INDEXED_ROWS.format(lookup="lookup")}) AS one
  WHERE words @@ CAST(:every AS tsquery)
  UNION SELECT :named))"""
"""The same, where all that fit are looked up at once."""


@frozen(kw_only=True)
class SearchShape:
    """What of a search changes its statements, rather than their parameters."""

    tiers: tuple[RankTier, ...] = ()
    status: Status
    in_stock: bool | None
    has_min_price: bool
    has_max_price: bool
    has_category_ids: bool
    """Whether it is within so few categories that the conditions on words name them."""
    has_category_filter: bool
    """Whether it is within more."""
    is_sampled: bool = False
    """Whether a sample may tell that more fit than are counted."""
    should_scan_filtered: bool = False
    """Whether all that the filters leave is looked through."""
    should_count_filtered: bool = False
    """Whether it is counted there."""

    def filters(self) -> str:
        """Return the conditions on a row of product_search, besides its words."""
        wanted = {
            "is_active": self.status is Status.ACTIVE,
            "NOT is_active": self.status is Status.ARCHIVED,
            "score % 2 = 1": self.in_stock is True,
            "score % 2 = 0": self.in_stock is False,
            "price >= CAST(:min_price AS numeric)": self.has_min_price,
            "price <= CAST(:max_price AS numeric)": self.has_max_price,
            _IN_CATEGORY: self.has_category_filter,
        }
        return "".join(f" AND {condition}" for condition, is_wanted in wanted.items() if is_wanted)

    def sku_filters(self) -> str:
        """Return the same for a row whose words are not looked at."""
        inside = " AND words @@ CAST(:inside AS tsquery)" if self.has_category_ids else ""
        return self.filters() + inside

    def filtered_rows_sql(self) -> str:
        """Return the statement of the rows that those filters leave which may leave few."""
        wanted = {
            "NOT products.is_active": self.status is Status.ARCHIVED,
            "products.stock_quantity <= 0 AND products.track_stock": self.in_stock is False,
            "products.price >= CAST(:min_price AS numeric)": self.has_min_price,
            "products.price <= CAST(:max_price AS numeric)": self.has_max_price,
        }
        conditions = [condition for condition, is_wanted in wanted.items() if is_wanted]
        return _FILTERED_ROWS.format(filters=" AND ".join(conditions) or "true")

    @property
    def has_selective_filter(self) -> bool:
        """Whether there are filters which may leave few rows."""
        return self.filtered_rows_sql() != _FILTERED_ROWS.format(filters="true")


@lru_cache(maxsize=1024)  # there are no more shapes than that in use
def ranking_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of a page: total, relevance and columns of `listed_product_from_row`.

    There is one row more than the limit if another page follows. Where there is none to show, one
    row still tells the total, and its id is null.
    """
    best = _best_rows(shape)
    shown = (
        sa.select(best)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
        .offset(sa.bindparam("row_offset", type_=sa.Integer))
        .subquery("shown")
    )
    counted = sa.text(total_sql(shape)).columns(sa.column("total", sa.Integer)).subquery("counted")
    few = sa.text(shape.filtered_rows_sql()).columns(sa.column("product_id")).cte("few")
    rows = counted.outerjoin(shown, sa.true()).outerjoin(
        products, products.c.id == shown.c.product_id
    )
    return CompiledStatement.compile(
        sa.select(
            counted.c.total, shown.c.relevance, *LISTED_PRODUCT_COLUMNS, category_names(products)
        )
        .select_from(rows)
        .order_by(shown.c.relevance.desc(), shown.c.product_id.desc())
        .add_cte(*([few] if shape.should_scan_filtered else [])),
        is_prepared=not shape.has_selective_filter,
    )


@lru_cache(maxsize=64)
def suggestions_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of suggestions: rows of what each says. Nothing is counted."""
    best = _best_rows(shape)
    return CompiledStatement.compile(
        sa.select(products.c.name, products.c.slug, products.c.images[1])
        .join(best, best.c.product_id == products.c.id)
        .order_by(best.c.relevance.desc(), best.c.product_id.desc())
    )


@lru_cache(maxsize=1024)
def search_facets_statement(shape: SearchShape) -> CompiledStatement:
    """Return the statement of the facets of all that is found, or of a sample."""
    columns = "product_id, price, score % 2 = 1 AS in_stock"
    filters = shape.filters()
    if shape.is_sampled:
        fits = "words @@ CAST(:every AS tsquery)" if shape.tiers else "true"
        drawn = _SAMPLE_ROWS.format(most=MAX_SAMPLE_ROWS)
        found = f"SELECT {columns}, place FROM ({drawn}) AS one WHERE {fits}{filters}"
        found += f" LIMIT {MAX_SAMPLE_MATCHES}"
    else:
        every = _all_matches_sql(shape)
        found = f"SELECT {columns}, 0 AS place FROM ({every}) AS found"
    matched = sa.text(found).columns(
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
    """Return the statement that asks the planner how many rows the filters leave."""
    return CompiledStatement.compile(
        sa.text(f"EXPLAIN (FORMAT JSON) {shape.filtered_rows_sql()}"), is_prepared=False
    )


def total_sql(shape: SearchShape) -> str:
    """Return the statement that counts what fits; above MAX_EXACT_TOTAL any number will do."""
    filters = shape.filters()
    every = _all_matches_sql(shape)
    if not shape.is_sampled:
        return f"SELECT count(*) AS total FROM ({every}) AS found"
    sampled = _SAMPLE_COUNT.format(filters=filters)
    above = f"({sampled}) * CAST(:rows AS float8) > {MIN_SAMPLED_TOTAL * COUNT_SAMPLE_ROWS}"
    counted = f"SELECT count(*) FROM ({every}) AS found"
    return f"SELECT CASE WHEN {above} THEN {MAX_EXACT_TOTAL + 1} ELSE ({counted}) END AS total"


def _best_rows(shape: SearchShape) -> sa.Subquery:
    """Return as many as are wanted of the most relevant rows, by id."""
    found = sa.text(f"{' UNION ALL '.join(_branches(shape))} LIMIT :most")
    columns = sa.column("relevance", sa.Integer), sa.column("product_id", sa.Integer)
    return found.columns(*columns).subquery("best")


def _branches(shape: SearchShape) -> Iterator[str]:
    """Give the ways in which rows are looked for, the best tier first."""
    filters = shape.filters()
    yield _SKU_BRANCH.format(relevance=relevance_of(None, 0), filters=shape.sku_filters())
    for n, tier in enumerate(shape.tiers):
        better = {index for index in (n - 1, _widest_before(shape.tiers, tier)) if index >= 0}
        fits = f"words @@ CAST(:fits{n} AS tsquery) AND product_id <> :named"
        for each in sorted(better):
            fits += f" AND NOT words @@ CAST(:fits{each} AS tsquery)"
        values = {"n": n, "relevance": relevance_of(tier, 0), "fits": fits, "filters": filters}
        if not shape.should_scan_filtered:
            yield _SCAN_BRANCH.format(**values)
        source = (
            "SELECT * FROM few"
            if shape.should_scan_filtered
            else _INDEXED_ROWS.format(lookup=f"lookup{n}")
        )
        yield _INDEX_BRANCH.format(**values, source=source)


def _all_matches_sql(shape: SearchShape) -> str:
    """Return the statement of all rows that are found, or more than are counted."""
    if shape.should_scan_filtered:
        source = "SELECT * FROM few"
    else:
        by_words = _INDEXED_ROWS.format(lookup="lookup")
        source = shape.filtered_rows_sql() if shape.should_count_filtered else by_words
    return _ALL_MATCHES.format(source=source, filters=shape.filters(), named=shape.sku_filters())


def _widest_before(tiers: Sequence[RankTier], tier: RankTier) -> int:
    """Return the last tier of a better field, which takes all that those before it take; or -1."""
    return max((n for n, each in enumerate(tiers) if each.field < tier.field), default=-1)
