"""Extend the index of public products by prices and stock, for price ranges and products in stock.

Its new form is created after the migrations, without blocking writers.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
HAS_INDEX = sa.text("""
    SELECT EXISTS (
      SELECT FROM pg_indexes
      WHERE schemaname = current_schema() AND indexname = 'products_active_idx')""")


def upgrade() -> None:
    # A new database has none yet. IF EXISTS would find that of the schema in use, in a restore.
    if op.get_bind().scalar(HAS_INDEX):
        op.drop_index("products_active_idx", "products")


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS products_active_idx")
    op.create_index("products_active_idx", "products", ["is_active", "is_listed"])
