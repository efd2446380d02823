"""What a list of products comes to, in one statement: of all that match, or of a sample."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eggypro_core.domain.product_query import MAX_FACET_CATEGORIES, CategoryCount, Facets

MAX_SAMPLE_MATCHES = 1_000
"""Matches that are enough of a sample."""
MAX_SAMPLE_ROWS = 20_000
"""Rows among which they are looked for."""

_CATEGORY_COUNTS = f"""ARRAY(
  SELECT ARRAY[slug, name, number::text] FROM (
    SELECT above.slug::text, above.name::text, above.name_key,
      count(DISTINCT matched.product_id) AS number
    FROM matched
      JOIN product_categories AS link ON link.product_id = matched.product_id
      JOIN categories AS inside ON inside.id = link.category_id AND inside.is_visible
      CROSS JOIN unnest(inside.path) AS up (slug)
      JOIN categories AS above ON above.slug = up.slug
    GROUP BY above.id ORDER BY number DESC, above.name_key, above.slug LIMIT {MAX_FACET_CATEGORIES}
  ) AS most
)"""


def facets_select(matched: sa.CTE) -> sa.Select[Any]:
    """Return the facet statement over a table `matched`; its row is for `facets_from_row`."""
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
    """Return what a row of facets says: of all, or of a sample drawn from so many `rows`."""
    count, lowest, highest, in_stock, place, categories = row
    scale = 1.0
    if rows is not None:
        drawn = place if count == MAX_SAMPLE_MATCHES else min(rows, MAX_SAMPLE_ROWS)
        scale = max(rows, drawn) / drawn if drawn else 1.0
    return Facets(
        tuple(CategoryCount(slug, name, round(int(n) * scale)) for slug, name, n in categories),
        lowest,
        highest,
        round(in_stock * scale),
        is_sampled=rows is not None,
    )
