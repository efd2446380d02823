"""Match imported products with stored ones, in a temporary table of keys. Locks no product."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.bulk_write import copy_rows
from eggypro_adapters.postgres.database import CompiledStatement, fetch_rows
from eggypro_core.domain.product_files import HANDLE_PREFIX, ROW_PREFIX, MatchedBy, MatchKeys

_CREATE_KEYS = sa.text("""
    CREATE TEMPORARY TABLE item_keys (
      number int PRIMARY KEY, slug text COLLATE "C", handle text, source_id text,
      name_key text COLLATE "C",
      skus text[] NOT NULL, gtins text[] NOT NULL, can_be_new bool NOT NULL,
      product_id int, matched_by text
    ) ON COMMIT DROP
""")
_INDEX_KEYS = sa.text("CREATE UNIQUE INDEX ON item_keys (product_id)")
_ANALYZE_KEYS = sa.text("ANALYZE item_keys")
_HAS_UNMATCHED = sa.text("SELECT EXISTS (SELECT FROM item_keys WHERE product_id IS NULL)")
IS_GIVEN_ID = (
    f"NOT starts_with(source_id, '{HANDLE_PREFIX}') AND NOT starts_with(source_id, '{ROW_PREFIX}')"
)
"""The condition that the source itself gave a product its ID, like `is_given_id` of the core."""
_SHARES_SKU = """EXISTS (
          SELECT FROM skus WHERE skus.product_id = products.id AND skus.sku = ANY (item_keys.skus)
        )"""
_FREE = "NOT EXISTS (SELECT FROM item_keys AS taken WHERE taken.product_id = products.id)"
_BY_KEY = f"""
    WITH found AS (
      SELECT DISTINCT ON (products.id) number, products.id
      FROM item_keys {{join}}
      WHERE item_keys.product_id IS NULL AND {_FREE}
      ORDER BY products.id, number
    )
    UPDATE item_keys SET product_id = found.id, matched_by = '{{by}}'
    FROM found WHERE item_keys.number = found.number
"""
_BY_HANDLE = _BY_KEY.format(
    join=f"""
      JOIN product_sources ON product_sources.source = :source
        AND product_sources.source_id = '{HANDLE_PREFIX}' || item_keys.handle
      JOIN products ON products.id = product_sources.product_id AND NOT EXISTS (
        SELECT FROM products AS holder
        WHERE holder.slug = item_keys.slug AND (
          EXISTS (SELECT FROM item_keys AS other WHERE other.handle = products.slug)
          OR (
            holder.name_key = item_keys.name_key AND products.name_key != item_keys.name_key
          )
        ) AND NOT EXISTS (
          SELECT FROM item_keys AS claim
          JOIN product_sources AS claimed ON claimed.source = :source
            AND claimed.source_id = '{HANDLE_PREFIX}' || claim.handle
          WHERE claimed.product_id = holder.id
        )
      )""",
    by=MatchedBy.SLUG,
)
_BY_SLUG = _BY_KEY.format(join="JOIN products ON products.slug = item_keys.slug", by=MatchedBy.SLUG)
_BY_ALIAS = _BY_KEY.format(
    join="""
      JOIN slug_aliases ON slug_aliases.slug = item_keys.slug
      JOIN products ON products.id = slug_aliases.product_id""",
    by=MatchedBy.SLUG,
)
_BY_SOURCE_ID = _BY_KEY.format(
    join=f"""
      JOIN product_sources ON product_sources.source = :source
        AND product_sources.source_id = item_keys.source_id
      JOIN products ON products.id = product_sources.product_id AND (
        coalesce(item_keys.name_key, item_keys.slug, item_keys.skus[1]) IS NULL
        OR products.name_key = item_keys.name_key OR products.slug = item_keys.slug
        OR {_SHARES_SKU}
      )""",
    by=MatchedBy.SOURCE_ID,
)
_BY_SKU = f"""
    WITH candidates AS (
      SELECT number, item_keys.product_id IS NULL AS is_unmatched,
        min(skus.product_id) AS product_id
      FROM item_keys CROSS JOIN LATERAL unnest(item_keys.skus) AS given (sku)
      JOIN skus ON skus.sku = given.sku
      GROUP BY number HAVING count(DISTINCT skus.product_id) = 1
    ), found AS (
      SELECT product_id, min(number) FILTER (WHERE is_unmatched) AS number, count(*) AS claims
      FROM candidates GROUP BY product_id HAVING count(*) FILTER (WHERE is_unmatched) = 1
    )
    UPDATE item_keys SET product_id = products.id, matched_by = '{MatchedBy.SKU}'
    FROM found JOIN products ON products.id = found.product_id
    WHERE item_keys.number = found.number AND {_FREE}
    AND (item_keys.can_be_new OR found.claims = 1) AND (
      item_keys.name_key IS NULL
      OR products.name_key = item_keys.name_key OR products.gtin = ANY (item_keys.gtins)
      OR EXISTS (
        SELECT FROM variants
        WHERE variants.product_id = products.id AND variants.gtin = ANY (item_keys.gtins)
      )
    )
"""
_BY_NAME = f"""
    WITH named AS (
      SELECT name_key, min(number) AS number
      FROM item_keys WHERE name_key IS NOT NULL GROUP BY name_key HAVING count(*) = 1
    ), found AS (
      SELECT named.number, min(products.id) AS product_id
      FROM named JOIN products USING (name_key) GROUP BY named.number HAVING count(*) = 1
    )
    UPDATE item_keys SET product_id = products.id, matched_by = '{MatchedBy.NAME}'
    FROM found JOIN products ON products.id = found.product_id
    WHERE item_keys.number = found.number AND item_keys.product_id IS NULL
      AND item_keys.slug IS NULL AND {_FREE}
      AND (
        item_keys.source_id IS NULL OR starts_with(item_keys.source_id, '{ROW_PREFIX}')
        OR NOT EXISTS (
          SELECT FROM product_sources
          WHERE source = :source AND product_id = products.id
            AND {IS_GIVEN_ID}
        )
        OR EXISTS (
          SELECT FROM product_sources
          WHERE source = :source AND product_id = products.id
            AND product_sources.source_id = item_keys.source_id
        )
      )
      AND (
        cardinality(item_keys.skus) = 0
        OR NOT EXISTS (SELECT FROM skus WHERE skus.product_id = products.id)
        OR {_SHARES_SKU}
      )
"""
_STEPS = [
    sa.text(step) for step in (_BY_HANDLE, _BY_SLUG, _BY_ALIAS, _BY_SOURCE_ID, _BY_SKU, _BY_NAME)
]
_MATCHES = CompiledStatement.compile(
    sa.text("""
        SELECT number, product_id, matched_by FROM item_keys
        WHERE number BETWEEN :first AND :last AND product_id IS NOT NULL
    """)
)
_ITEM = sa.text("SELECT number FROM item_keys WHERE product_id = :product_id")


def match_items(
    connection: sa.Connection, keys: Iterable[tuple[int, MatchKeys]], source: str
) -> None:
    """Match items in the way that `ImportSession.match` describes."""
    connection.execute(_CREATE_KEYS)
    copy_rows(connection, "item_keys", (_row(number, key) for number, key in keys))
    connection.execute(_INDEX_KEYS)
    connection.execute(_ANALYZE_KEYS)
    for step in _STEPS:
        if not connection.scalar(_HAS_UNMATCHED):
            return
        if connection.execute(step, {"source": source}).rowcount:
            connection.execute(_ANALYZE_KEYS)


def find_matches(
    connection: sa.Connection, first: int, last: int
) -> Mapping[int, tuple[int, MatchedBy]]:
    """Return product id and key of the matched items with numbers in a range, by number."""
    rows = fetch_rows(connection, _MATCHES, {"first": first, "last": last})
    return {number: (product_id, MatchedBy(by)) for number, product_id, by in rows}


def find_item(connection: sa.Connection, product_id: int) -> int | None:
    """Return the number of the item that is matched with a product."""
    number: int | None = connection.scalar(_ITEM, {"product_id": product_id})
    return number


def _row(number: int, keys: MatchKeys) -> dict[str, Any]:
    return {
        "number": number,
        "slug": keys.slug,
        "handle": keys.handle,
        "source_id": keys.source_id,
        "name_key": keys.name,
        "skus": list(keys.skus),
        "gtins": list(keys.gtins),
        "can_be_new": keys.can_be_new,
    }
