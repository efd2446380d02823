"""Notify caches of the tags of lists that each write touches.

Servers of the previous version depend on `products`, the tag of every write to a product, which is
still touched. Both versions use the tags of products (`product:<slug>`) and `categories`.
"""

from importlib import import_module

from alembic import op

revision = "0015"
down_revision = "0014"

# As before, but each tag is notified only once per transaction.
TOUCH = """
CREATE OR REPLACE FUNCTION eggypro_touch(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before text := coalesce(current_setting('eggypro.touched', true), '');
  touched text;
BEGIN
  IF before LIKE '%*' THEN RETURN; END IF;
  SELECT string_agg(tag, ' ') INTO touched FROM unnest(tags) AS tag
  WHERE position(' ' || tag || ' ' IN ' ' || before || ' ') = 0;
  IF touched IS NULL THEN RETURN; END IF;
  IF length(before) + length(touched) > 7000 THEN touched := '*'; END IF;
  PERFORM set_config('eggypro.touched', ltrim(before || ' ' || touched), true);
  PERFORM pg_notify('eggypro', pg_current_xact_id() || ' ' || touched);
END $$;
"""
# Lists show public products only: a product that is not public changes none. But searches look up
# its codes too.
PRODUCTS = """
CREATE OR REPLACE FUNCTION eggypro_products_touched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tags text[]; list_tags text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg('product:' || slug),
      CASE WHEN bool_or(is_active AND is_listed) THEN ARRAY['products:membership'] END
    INTO tags, list_tags FROM (SELECT slug, is_active, is_listed FROM after LIMIT 50) AS touched;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg('product:' || slug),
      CASE WHEN bool_or(is_active AND is_listed) THEN ARRAY['products:membership'] END
    INTO tags, list_tags FROM (SELECT slug, is_active, is_listed FROM before LIMIT 50) AS touched;
  ELSE
    SELECT array_agg('product:' || slug) INTO tags
    FROM (SELECT slug FROM before UNION SELECT slug FROM after LIMIT 50) AS touched;
    IF cardinality(tags) < 50 THEN
      SELECT array_remove(ARRAY[
        CASE WHEN bool_or((was_public, before.created_at)
          IS DISTINCT FROM (is_public, after.created_at)) THEN 'products:membership' END,
        CASE WHEN bool_or(before.name_key IS DISTINCT FROM after.name_key)
          FILTER (WHERE is_public) THEN 'products:name' END,
        CASE WHEN bool_or(before.price IS DISTINCT FROM after.price)
          FILTER (WHERE is_public) THEN 'products:price' END,
        CASE WHEN bool_or((before.stock_quantity > 0 OR NOT before.track_stock)
          IS DISTINCT FROM (after.stock_quantity > 0 OR NOT after.track_stock))
          FILTER (WHERE is_public) THEN 'products:stock' END,
        CASE WHEN bool_or(before.rating_average IS DISTINCT FROM after.rating_average)
          FILTER (WHERE is_public) THEN 'products:rating' END,
        CASE WHEN bool_or((before.sku, before.gtin) IS DISTINCT FROM (after.sku, after.gtin))
          THEN 'products:search' END
      ], NULL) INTO list_tags
      FROM after LEFT JOIN before USING (id) CROSS JOIN LATERAL (SELECT
        before.is_active AND before.is_listed AS was_public,
        after.is_active AND after.is_listed AS is_public) AS visibility;
    END IF;
  END IF;
  IF cardinality(tags) = 50 THEN tags := ARRAY['*']; list_tags := NULL; END IF;
  IF tags IS NOT NULL THEN
    PERFORM eggypro_touch(VARIADIC ARRAY['products'] || list_tags || tags);
  END IF;
  RETURN NULL;
END $$;
"""
PART = """
CREATE OR REPLACE FUNCTION eggypro_{table}_touched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed integer[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT product_id) INTO changed FROM after;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT product_id) INTO changed FROM before;
  ELSE
    SELECT array_agg(DISTINCT product_id) INTO changed FROM (
      SELECT product_id FROM before UNION ALL SELECT product_id FROM after
    ) AS both_of_them;
  END IF;
  IF changed IS NULL THEN RETURN NULL; END IF;
  PERFORM eggypro_part_of_product(changed);
  {touch_lists}
  RETURN NULL;
END $$;
"""
# The words of variants are in `product_search`, their price and stock in `products`.
TOUCH_LISTS = {
    "variants": """
  IF TG_OP <> 'UPDATE' THEN
    PERFORM eggypro_touch('products:search');
  ELSIF EXISTS (SELECT FROM after LEFT JOIN before USING (id)
    WHERE (before.product_id, before.sku, before.gtin)
    IS DISTINCT FROM (after.product_id, after.sku, after.gtin)) THEN
    PERFORM eggypro_touch('products:search');
  END IF;""",
    "product_categories": "PERFORM eggypro_touch('products:categories');",
}
SEARCH = """
CREATE FUNCTION eggypro_search_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM eggypro_touch('products:search');
  RETURN NULL;
END $$;
CREATE TRIGGER product_search_touched
AFTER INSERT OR UPDATE OF words OR DELETE OR TRUNCATE ON product_search
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_search_touched();
CREATE TRIGGER search_words_touched
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON search_words
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_search_touched();
"""


def upgrade() -> None:
    op.execute(TOUCH)
    op.execute(PRODUCTS)
    for table, touch_lists in TOUCH_LISTS.items():
        op.execute(PART.format(table=table, touch_lists=touch_lists))
    op.execute(SEARCH)


def downgrade() -> None:
    op.execute("DROP FUNCTION eggypro_search_touched() CASCADE")
    former = import_module("eggypro_adapters.postgres.migrations.versions.0008_changes")
    parts = [former.PART.format(table=table, which="") for table in TOUCH_LISTS]
    for statements in (former.TOUCH, former.PRODUCTS, *parts):
        op.execute(statements.replace("CREATE ", "CREATE OR REPLACE "))
