"""Notify caches of the tags that each write touches."""

from alembic import op

revision = "0008"
down_revision = "0007"

# A notification is at most 8,000 bytes: who touches more has touched everything.
TOUCH = """
CREATE FUNCTION eggypro_touch(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  before text := coalesce(current_setting('eggypro.touched', true), '');
  touched text := array_to_string(tags, ' ');
BEGIN
  IF before LIKE '%*' THEN RETURN; END IF;
  IF length(before) + length(touched) > 7000 THEN touched := '*'; END IF;
  PERFORM set_config('eggypro.touched', ltrim(before || ' ' || touched), true);
  PERFORM pg_notify('eggypro', pg_current_xact_id() || ' ' || touched);
END $$;
"""
PRODUCTS = """
CREATE FUNCTION eggypro_products_touched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE tags text[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg('product:' || slug) INTO tags FROM (SELECT slug FROM after LIMIT 50) AS found;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg('product:' || slug) INTO tags FROM (SELECT slug FROM before LIMIT 50) AS found;
  ELSE
    SELECT array_agg('product:' || slug) INTO tags
    FROM (SELECT slug FROM before UNION SELECT slug FROM after LIMIT 50) AS found;
  END IF;
  IF cardinality(tags) = 50 THEN tags := ARRAY['*']; END IF;
  IF tags IS NOT NULL THEN PERFORM eggypro_touch(VARIADIC array_prepend('products', tags)); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER products_added AFTER INSERT ON products
REFERENCING NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_products_touched();
CREATE TRIGGER products_changed AFTER UPDATE ON products
REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_products_touched();
CREATE TRIGGER products_removed AFTER DELETE ON products
REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_products_touched();
"""
# Of a product that is deleted these rows go after it: it has said so itself.
PARTS = """
CREATE FUNCTION eggypro_part_of_product(changed integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE tags text[];
BEGIN
  IF changed IS NULL THEN RETURN; END IF;
  SELECT array_agg('product:' || slug) INTO tags FROM products WHERE id = ANY (changed);
  IF cardinality(changed) > 50 THEN tags := ARRAY['*']; END IF;
  IF tags IS NOT NULL THEN PERFORM eggypro_touch(VARIADIC array_prepend('products', tags)); END IF;
END $$;
"""
PART = """
CREATE FUNCTION eggypro_{table}_touched() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed integer[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT product_id) INTO changed FROM after {which};
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT product_id) INTO changed FROM before {which};
  ELSE
    SELECT array_agg(DISTINCT product_id) INTO changed FROM (
      SELECT product_id FROM before {which} UNION ALL SELECT product_id FROM after {which}
    ) AS both_of_them;
  END IF;
  PERFORM eggypro_part_of_product(changed);
  RETURN NULL;
END $$;
CREATE TRIGGER {table}_added AFTER INSERT ON {table}
REFERENCING NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_{table}_touched();
CREATE TRIGGER {table}_changed AFTER UPDATE ON {table}
REFERENCING OLD TABLE AS before NEW TABLE AS after
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_{table}_touched();
CREATE TRIGGER {table}_removed AFTER DELETE ON {table}
REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_{table}_touched();
"""
WHICH = {"variants": "", "product_categories": "", "reviews": "WHERE is_verified"}
CATEGORIES = """
CREATE FUNCTION eggypro_categories_touched() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM eggypro_touch('categories');
  RETURN NULL;
END $$;
CREATE TRIGGER categories_touched AFTER INSERT OR UPDATE OR DELETE ON categories
FOR EACH STATEMENT EXECUTE FUNCTION eggypro_categories_touched();
"""
EMPTIED = """
CREATE FUNCTION eggypro_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM eggypro_touch('*');
  RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute(TOUCH)
    op.execute(PRODUCTS)
    op.execute(PARTS)
    for table, which in WHICH.items():
        op.execute(PART.format(table=table, which=which))
    op.execute(CATEGORIES)
    op.execute(EMPTIED)
    for table in ("products", "categories", *WHICH):
        op.execute(
            f"CREATE TRIGGER {table}_emptied AFTER TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION eggypro_emptied()"
        )


def downgrade() -> None:
    op.execute("DROP FUNCTION eggypro_emptied() CASCADE")
    op.execute("DROP FUNCTION eggypro_categories_touched() CASCADE")
    for table in WHICH:
        op.execute(f"DROP FUNCTION eggypro_{table}_touched() CASCADE")
    op.execute("DROP FUNCTION eggypro_part_of_product(integer[])")
    op.execute("DROP FUNCTION eggypro_products_touched() CASCADE")
    op.execute("DROP FUNCTION eggypro_touch(text[])")
