"""Facets of all matching products or of a sample, in one statement."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_core.domain.product_query import MAX_FACET_CATEGORIES, CategoryCount, Facets

MAX_SAMPLE_MATCHES = 1_000
"""Matches after which a sample is complete."""
MAX_SAMPLE_ROWS = 20_000
"""Rows scanned for the matches of a sample."""

_CATEGORY_COUNTS = f"""ARRAY(
  SELECT ARRAY[slug, name, number::text] FROM (
    SELECT category.slug::text, category.name::text, category.name_key,
      count(DISTINCT matched.product_id) AS number
    FROM matched
      JOIN product_categories AS link ON link.product_id = matched.product_id
      JOIN categories AS linked ON linked.id = link.category_id AND linked.is_visible
      CROSS JOIN unnest(linked.path) AS step (slug)
      JOIN categories AS category ON category.slug = step.slug
    GROUP BY category.id
    ORDER BY number DESC, category.name_key, category.slug LIMIT {MAX_FACET_CATEGORIES}
  ) AS largest
)"""


def facets_select(matched: sa.CTE) -> sa.Select[Any]:
    """Return the facet statement over the table `matched`; `facets_from_row` reads its row."""
    columns = matched.c
    return sa.select(
        sa.func.count(),
        sa.func.min(columns.price),
        sa.func.max(columns.price),
        sa.func.count().filter(columns.in_stock),
        sa.func.coalesce(sa.func.max(columns.place), 0),
        sa.literal_column(_CATEGORY_COUNTS),
    ).select_from(matched)


def facets_from_row(row: Sequence[Any], rows: float | None = None) -> Facets:
    """Return the facets of a row, scaled up if it is a sample of a table of `rows` rows."""
    count, lowest, highest, in_stock, place, categories = row
    scale = 1.0
    if rows is not None:
        scanned = place if count == MAX_SAMPLE_MATCHES else min(rows, MAX_SAMPLE_ROWS)
        scale = max(rows, scanned) / scanned if scanned else 1.0
    return Facets(
        tuple(CategoryCount(slug, name, round(int(n) * scale)) for slug, name, n in categories),
        lowest,
        highest,
        round(in_stock * scale),
        is_sampled=rows is not None,
    )
