"""Statement of a page of a category: its public products, with those of its descendants.

It reads the ids of the products, up to MAX_EXACT_TOTAL, from the links of the categories, which are
much narrower. The products of a small category are then sorted. The page of a larger one is found
by a scan in sort order, which soon meets enough of its products. The statement has a branch for
each way, and runs only one of them. It is planned once: planning takes longer than execution.
"""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres import keyset
from eggypro_adapters.postgres.database import CompiledStatement
from eggypro_adapters.postgres.product_rows import LISTED_PRODUCT_COLUMNS, category_names
from eggypro_adapters.postgres.schema import products
from eggypro_core.domain.pagination import MAX_EXACT_TOTAL, MAX_LIMIT

_SCAN_FACTOR = 5
"""A category is small if the square of its size is less than the size of the shop times this.

Looking up its products then takes less time than a scan in sort order to the end of a page of 20.
"""
_LINKS = """wanted CROSS JOIN LATERAL (
      SELECT product_id FROM product_categories WHERE category_id = wanted.id OFFSET 0) AS link"""
# Parameters are subqueries: Postgres would otherwise plan for their values, each time.
_PAGE = f"""
WITH wanted AS MATERIALIZED (
  SELECT id FROM categories
  WHERE path @> ARRAY[(SELECT CAST(:category AS text))] AND is_visible
), members AS MATERIALIZED (
  SELECT product_id FROM (
    SELECT product_id FROM {_LINKS} WHERE (SELECT count(*) = 1 FROM wanted)
    UNION ALL
    SELECT DISTINCT product_id FROM {_LINKS} WHERE (SELECT count(*) > 1 FROM wanted)
  ) AS links
  WHERE NOT EXISTS (
    SELECT FROM products WHERE id = product_id AND NOT (is_active AND is_listed))
  LIMIT {MAX_EXACT_TOTAL + 1}
), counted AS MATERIALIZED (
  SELECT count(*) AS total, count(*) <= {MAX_EXACT_TOTAL} AS is_complete,
    count(*) ^ 2 < {_SCAN_FACTOR} * (
      SELECT reltuples FROM pg_class WHERE oid = CAST('products' AS regclass)) AS is_small
  FROM members
)
SELECT total, key, id FROM counted LEFT JOIN (
  SELECT * FROM (
    (SELECT {{key}} AS key, products.id FROM members CROSS JOIN LATERAL (
       SELECT * FROM products WHERE id = product_id OFFSET 0) AS products
     WHERE (SELECT is_complete AND is_small FROM counted){{after}}
     ORDER BY {{order}} LIMIT {MAX_LIMIT + 1})
    UNION ALL
    (SELECT {{key}} AS key, products.id FROM products
     WHERE (SELECT is_complete AND NOT is_small FROM counted)
       AND (products.id IN (SELECT product_id FROM members)) IS TRUE{{after}}
     ORDER BY {{order}} LIMIT {MAX_LIMIT + 1})
    UNION ALL
    (SELECT {{key}} AS key, products.id FROM products
     WHERE (SELECT NOT is_complete FROM counted) AND is_active AND is_listed
       AND (SELECT true FROM (
           SELECT category_id FROM product_categories WHERE product_id = products.id OFFSET 0
         ) AS link WHERE category_id = ANY(ARRAY(SELECT id FROM wanted)) LIMIT 1){{after}}
     ORDER BY {{order}} LIMIT {MAX_LIMIT + 1})
  ) AS branches LIMIT (SELECT CAST(:row_limit AS int))
) AS page ON true
"""


@lru_cache(maxsize=24)  # the sort columns, in both directions, with and without a cursor
def category_page_statement(
    key: sa.ColumnElement[Any], *, has_cursor: bool, descending: bool
) -> CompiledStatement:
    """Return the statement of a page of at most MAX_LIMIT products, sorted by `key` and id.

    It has the rows of the other page statements, and their parameters.
    """
    direction, operator = (" DESC", "<") if descending else ("", ">")
    start = "((SELECT :after_key), (SELECT CAST(:after_id AS int)))"
    after = f" AND ({key}, products.id) {operator} {start}"
    sql = _PAGE.format(
        key=key,
        order=f"{key}{direction}, products.id{direction}",
        after=after if has_cursor else "",
    )
    page = sa.text(sql).columns(
        sa.column("total", sa.Integer), sa.column("key", key.type), sa.column("id", sa.Integer)
    )
    first = page.subquery("page")
    return CompiledStatement.compile(
        sa.select(first.c.total, first.c.key, *LISTED_PRODUCT_COLUMNS, category_names(products))
        .select_from(first.outerjoin(products, products.c.id == first.c.id))
        .order_by(*keyset.in_order((first.c.key, first.c.id), descending=descending))
    )
