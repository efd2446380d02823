"""Changes of the stock of several products and variants in one transaction."""

from collections.abc import Sequence

import sqlalchemy as sa

from eggypro_adapters.postgres.event_writer import record_events
from eggypro_adapters.postgres.rollups import refresh_variant_summary
from eggypro_core.domain.event import Subject
from eggypro_core.domain.stock_change import (
    StockKey,
    StockLevel,
    StockLine,
    changed_levels,
    level_events,
    unknown_lines,
)

_FIND = sa.text("""
    SELECT 'product', CAST(slug AS text), id AS product_id, CAST(NULL AS int) AS variant_id
    FROM products WHERE slug = ANY(CAST(:slugs AS text[]))
    UNION ALL
    SELECT 'product', slug, product_id, NULL FROM slug_aliases
    WHERE slug = ANY(CAST(:slugs AS text[]))
    UNION ALL
    SELECT 'sku', sku, id, NULL FROM products WHERE sku = ANY(CAST(:skus AS text[]))
    UNION ALL
    SELECT 'sku', sku, product_id, id FROM variants WHERE sku = ANY(CAST(:skus AS text[]))
    UNION ALL
    SELECT 'variant', CAST(id AS text), product_id, id FROM variants
    WHERE id = ANY(CAST(:variants AS int[]))
""")
# Every writer of several products locks in this order.
_LOCK_PRODUCTS = sa.text("""
    SELECT id, slug, name, version, has_variants, stock_quantity FROM products
    WHERE id = ANY(CAST(:ids AS int[])) ORDER BY id FOR NO KEY UPDATE
""")
_VARIANTS = sa.text("""
    SELECT id, product_id, options, stock_quantity FROM variants
    WHERE id = ANY(CAST(:ids AS int[]))
""")
_UPDATE, _UPDATE_VARIANTS = (
    sa.text(f"""
        UPDATE {table} SET stock_quantity = new.quantity
        FROM unnest(CAST(:ids AS int[]), CAST(:quantities AS int[])) AS new (id, quantity)
        WHERE {table}.id = new.id
    """)
    for table in ("products", "variants")
)


def change_stock(connection: sa.Connection, lines: Sequence[StockLine]) -> tuple[StockLevel, ...]:
    """Change the stock of the items of all lines, and return their new levels."""
    pairs = changed_levels(lines, _lock_levels(connection, lines))
    changed = [after for before, after in pairs if before != after]
    own = {level.product_id: level.stock_quantity for level in changed if not level.variant_id}
    by_variant = {
        level.variant_id: level.stock_quantity for level in changed if level.variant_id is not None
    }
    for statement, quantities in ((_UPDATE, own), (_UPDATE_VARIANTS, by_variant)):
        if quantities:
            values = {"ids": [*quantities], "quantities": [*quantities.values()]}
            connection.execute(statement, values)
    if by_variant:
        products = {level.product_id for level in changed if level.variant_id is not None}
        refresh_variant_summary(connection, sorted(products))
    record_events(connection, level_events(pairs))
    return tuple(after for _, after in pairs)


def _lock_levels(connection: sa.Connection, lines: Sequence[StockLine]) -> Sequence[StockLevel]:
    """Return the level of each line, with its product locked. Raises ValidationError."""
    keys = {
        name: [line.key for line in lines if line.kind is kind]
        for name, kind in (
            ("slugs", StockKey.PRODUCT),
            ("skus", StockKey.SKU),
            ("variants", StockKey.VARIANT),
        )
    }
    found = {(kind, key): item for kind, key, *item in connection.execute(_FIND, keys)}
    products = {
        row.id: row
        for row in connection.execute(
            _LOCK_PRODUCTS, {"ids": sorted({product_id for product_id, _ in found.values()})}
        )
    }
    variant_ids = [variant_id for _, variant_id in found.values() if variant_id is not None]
    variants = {row.id: row for row in connection.execute(_VARIANTS, {"ids": variant_ids})}
    levels: list[StockLevel] = []
    unknown: list[tuple[int, StockLine]] = []
    for index, line in enumerate(lines):
        product_id, variant_id = found.get((line.kind.value, str(line.key)), (0, None))
        product, variant = products.get(product_id), variants.get(variant_id)
        if product is None or (variant_id is not None and variant is None):
            unknown.append((index, line))
            continue
        subject = Subject(product.id, product.slug, product.name, product.id)
        if variant is None:
            level = StockLevel.of_product(
                subject,
                product.version,
                product.stock_quantity,
                has_variants=product.has_variants,
            )
        else:
            level = StockLevel.of_variant(
                subject, product.version, variant.id, variant.options, variant.stock_quantity
            )
        levels.append(level)
    if unknown:
        raise unknown_lines(unknown)
    return levels
