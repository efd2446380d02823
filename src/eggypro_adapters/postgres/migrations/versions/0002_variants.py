"""Add variants, and make SKUs unique over products and variants."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEEP_SKUS = """
CREATE FUNCTION eggypro_keep_sku() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    DELETE FROM skus WHERE sku = OLD.sku;
  END IF;
  IF NEW.sku IS NOT NULL THEN
    IF TG_TABLE_NAME = 'products' THEN
      INSERT INTO skus (sku, product_id) VALUES (NEW.sku, NEW.id);
    ELSE
      INSERT INTO skus (sku, product_id, variant_id) VALUES (NEW.sku, NEW.product_id, NEW.id);
    END IF;
  END IF;
  RETURN NULL;
END $$;
"""
KEEP_SKUS_OF = """
CREATE TRIGGER {table}_new_sku AFTER INSERT ON {table}
  FOR EACH ROW WHEN (NEW.sku IS NOT NULL) EXECUTE FUNCTION eggypro_keep_sku();
CREATE TRIGGER {table}_other_sku AFTER UPDATE OF sku ON {table}
  FOR EACH ROW WHEN (OLD.sku IS DISTINCT FROM NEW.sku) EXECUTE FUNCTION eggypro_keep_sku();
"""


def upgrade() -> None:
    op.add_column(
        "products",
        sa.Column("has_variants", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.drop_constraint("products_variant_count_check", "products")
    op.create_check_constraint(
        op.f("products_variant_count_check"),
        "products",
        "variant_count >= 0 AND (has_variants OR variant_count = 0)",
    )
    op.create_table(
        "variants",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=100), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("combination", sa.String(length=32, collation="C"), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("compare_at_price", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("stock_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("track_stock", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("image", sa.String(length=2048), nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.CheckConstraint("char_length(sku) > 0", name=op.f("variants_sku_check")),
        sa.CheckConstraint("json_typeof(options) = 'object'", name=op.f("variants_options_check")),
        sa.CheckConstraint("price BETWEEN 0.01 AND 999999.99", name=op.f("variants_price_check")),
        sa.CheckConstraint(
            "compare_at_price > price AND compare_at_price <= 999999.99",
            name=op.f("variants_compare_at_price_check"),
        ),
        sa.CheckConstraint("stock_quantity >= 0", name=op.f("variants_stock_quantity_check")),
        sa.CheckConstraint("position >= 0", name=op.f("variants_position_check")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("variants_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("variants_pkey")),
    )
    op.create_index(
        "variants_combination_idx", "variants", ["product_id", "combination"], unique=True
    )
    op.create_index("variants_position_idx", "variants", ["product_id", "position", "id"])
    op.create_table(
        "skus",
        sa.Column("sku", sa.String(length=100), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("variant_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("skus_product_id_fkey"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variants.id"], name=op.f("skus_variant_id_fkey"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sku", name=op.f("skus_pkey")),
    )
    op.create_index("skus_product_id_idx", "skus", ["product_id"])
    op.create_index("skus_variant_id_idx", "skus", ["variant_id"])
    # Nobody can add a SKU between this copy and the triggers: ALTER TABLE above locked products.
    op.execute("INSERT INTO skus (sku, product_id) SELECT sku, id FROM products WHERE sku <> ''")
    op.execute(KEEP_SKUS)
    for table in ("products", "variants"):
        op.execute(KEEP_SKUS_OF.format(table=table))


def downgrade() -> None:
    for trigger in ("products_new_sku", "products_other_sku"):
        op.execute(f"DROP TRIGGER {trigger} ON products")
    op.drop_table("skus")
    op.drop_table("variants")
    op.execute("DROP FUNCTION eggypro_keep_sku()")
    op.drop_constraint("products_variant_count_check", "products")
    op.create_check_constraint(
        op.f("products_variant_count_check"), "products", "variant_count >= 0"
    )
    op.execute("UPDATE products SET variant_count = 0")
    op.drop_column("products", "has_variants")
