"""Variant summaries and ratings, stored in the rows of products."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_core.domain.product import MAX_STOCK

_REFRESH_VARIANT_SUMMARY = sa.text(
    f"""
    UPDATE products SET
      has_variants = summary.total > 0,
      variant_count = summary.active,
      price = coalesce(lowest.price, products.price),
      compare_at_price = CASE
        WHEN summary.active > 0 THEN lowest.compare_at_price ELSE products.compare_at_price END,
      stock_quantity = least(coalesce(summary.stock, 0), {MAX_STOCK}),
      track_stock = coalesce(summary.tracked, true),
      version = products.version + :versions,
      updated_at = CASE WHEN :versions > 0 THEN :at ELSE products.updated_at END
    FROM unnest(:products) AS changed (id), LATERAL (
      SELECT
        count(*) AS total,
        count(*) FILTER (WHERE is_active) AS active,
        sum(stock_quantity) FILTER (WHERE is_active) AS stock,
        bool_and(track_stock) FILTER (WHERE is_active) AS tracked
      FROM variants WHERE product_id = changed.id
    ) AS summary LEFT JOIN LATERAL (
      SELECT price, compare_at_price FROM variants WHERE product_id = changed.id AND is_active
      ORDER BY price, position, id LIMIT 1
    ) AS lowest ON true
    WHERE products.id = changed.id
    """
).bindparams(
    sa.bindparam("products", type_=ARRAY(sa.Integer)),
    sa.bindparam("versions", type_=sa.Integer),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
)
"""Store variant summaries, computed like `variant_summary` of the core."""


def refresh_variant_summary(
    connection: sa.Connection, product_ids: Collection[int], at: datetime | None = None
) -> None:
    """Store the variant summaries of products. With a time `at`, also raise their versions."""
    versions = 0 if at is None else 1
    connection.execute(
        _REFRESH_VARIANT_SUMMARY, {"products": list(product_ids), "versions": versions, "at": at}
    )


_REFRESH_RATING = sa.text(
    """
    UPDATE products SET rating_average = verified.average, rating_count = verified.number
    FROM (
      SELECT round(avg(rating), 2) AS average, count(*) AS number
      FROM reviews WHERE product_id = :product_id AND is_verified
    ) AS verified
    WHERE products.id = :product_id
      AND (rating_average, rating_count) IS DISTINCT FROM (verified.average, verified.number)
    """
)


def refresh_rating(connection: sa.Connection, product_id: int) -> None:
    """Store the rating of a product, computed like `summarise_ratings` of the core."""
    connection.execute(_REFRESH_RATING, {"product_id": product_id})
