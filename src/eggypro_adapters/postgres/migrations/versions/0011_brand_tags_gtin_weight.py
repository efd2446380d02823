"""Add brand, tags, GTIN, weight and `is_listed`, and allow SKUs of up to 255 characters.

Nothing here scans a table: checks are validated, indexes created and columns filled in short steps
after all migrations. The columns are filled from attributes, where imports stored these values.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0011"
down_revision = "0010"

GTIN = "gtin ~ '^([0-9]{8}|[0-9]{12,14})$'"
CHECKS = {
    "products": {
        "sku": "char_length(sku) > 0",
        "gtin": GTIN,
        "brand": "char_length(brand) > 0",
        "tags": "cardinality(tags) <= 250",
        "weight_grams": "weight_grams >= 0",
    },
    "variants": {"sku": "char_length(sku) > 0", "gtin": GTIN, "weight_grams": "weight_grams >= 0"},
}
SKU_TRIGGER = """
CREATE TRIGGER {table}_other_sku AFTER UPDATE OF sku ON {table}
  FOR EACH ROW WHEN (OLD.sku IS DISTINCT FROM NEW.sku) EXECUTE FUNCTION eggypro_keep_sku();
CREATE TRIGGER {table}_new_sku AFTER INSERT ON {table}
  FOR EACH ROW WHEN (NEW.sku IS NOT NULL) EXECUTE FUNCTION eggypro_keep_sku();
"""
SEARCH_TRIGGER = """
CREATE OR REPLACE FUNCTION eggypro_search_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE product_search
  SET score = eggypro_score(NEW.rating_average, NEW.stock_quantity, NEW.track_stock),
    price = NEW.price, is_active = NEW.is_active{assignment}
  WHERE product_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER products_search
AFTER UPDATE OF price, is_active{column}, rating_average, stock_quantity, track_stock ON products
FOR EACH ROW WHEN (
  (OLD.price, OLD.is_active{old},
    eggypro_score(OLD.rating_average, OLD.stock_quantity, OLD.track_stock))
  IS DISTINCT FROM (NEW.price, NEW.is_active{new},
    eggypro_score(NEW.rating_average, NEW.stock_quantity, NEW.track_stock))
) EXECUTE FUNCTION eggypro_search_follows();
"""


def upgrade() -> None:
    alter_skus(255)
    for table in CHECKS:
        op.add_column(table, sa.Column("gtin", sa.String(length=14)))
        op.add_column(table, sa.Column("weight_grams", sa.Integer()))
    op.add_column("products", sa.Column("brand", sa.String(length=255)))
    op.add_column(
        "products",
        sa.Column("tags", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    for table in ("products", "product_search"):
        op.add_column(
            table,
            sa.Column("is_listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        )
    for table, checks in CHECKS.items():
        for name, condition in checks.items():
            op.create_check_constraint(
                op.f(f"{table}_{name}_check"), table, condition, postgresql_not_valid=True
            )
    op.execute("DROP TRIGGER products_search ON products")
    op.execute(
        SEARCH_TRIGGER.format(
            assignment=", is_listed = NEW.is_listed",
            column=", is_listed",
            old=", OLD.is_listed",
            new=", NEW.is_listed",
        )
    )
    # They are replaced after the migrations, by products_hidden_idx and one with `is_listed`.
    op.drop_index("products_archived_idx", "products")
    op.drop_index("products_active_idx", "products")
    op.create_table(
        "backfills",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("after_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("backfills_pkey")),
    )
    op.execute("INSERT INTO backfills (name, after_id) VALUES ('product_fields', 0)")


def downgrade() -> None:
    op.drop_table("backfills")
    op.execute("DROP TRIGGER products_search ON products")
    op.execute(SEARCH_TRIGGER.format(assignment="", column="", old="", new=""))
    op.create_index(
        "products_archived_idx", "products", ["id"], postgresql_where=sa.text("NOT is_active")
    )
    op.execute("DROP INDEX IF EXISTS products_active_idx")
    op.create_index("products_active_idx", "products", ["is_active"])
    op.drop_column("product_search", "is_listed")
    for name in ("is_listed", "tags", "brand"):
        op.drop_column("products", name)
    for table in CHECKS:
        op.drop_column(table, "weight_grams")
        op.drop_column(table, "gtin")
    for table in CHECKS:
        op.execute(f"UPDATE {table} SET sku = NULL WHERE char_length(sku) > 100")
    alter_skus(100)
    for table in CHECKS:
        op.create_check_constraint(op.f(f"{table}_sku_check"), table, "char_length(sku) > 0")


def alter_skus(length: int) -> None:
    """Change the length of SKUs. A check or a trigger would make Postgres refuse or scan."""
    for table in CHECKS:
        op.execute(f"DROP TRIGGER {table}_other_sku ON {table}")
        op.execute(f"DROP TRIGGER {table}_new_sku ON {table}")
        op.drop_constraint(op.f(f"{table}_sku_check"), table)
    for table in (*CHECKS, "skus"):
        op.alter_column(table, "sku", type_=sa.String(length=length))
    for table in CHECKS:
        op.execute(SKU_TRIGGER.format(table=table))
