"""Add the IDs of products in the shops whose files were imported."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "product_sources",
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("source_id", sa.Text(collation="C"), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("product_sources_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("source", "source_id", name=op.f("product_sources_pkey")),
    )
    op.create_index("product_sources_product_id_idx", "product_sources", ["product_id"])


def downgrade() -> None:
    op.drop_table("product_sources")
