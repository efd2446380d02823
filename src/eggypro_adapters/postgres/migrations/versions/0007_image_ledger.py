"""Add the image registry."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "image_ledger",
        sa.Column("public_id", sa.String(200, collation="C"), primary_key=True),
        sa.Column(
            "product_id",
            sa.Integer,
            sa.ForeignKey("products.id", name="image_ledger_product_id_fkey", ondelete="SET NULL"),
        ),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("products", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("is_given_up", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("is_deleted", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("format", sa.String(10)),
        sa.Column("size", sa.Integer, comment="bytes"),
        sa.CheckConstraint("products >= 0", name="image_ledger_products_check"),
        sa.CheckConstraint(
            "products = 0 OR NOT is_given_up", name="image_ledger_is_given_up_check"
        ),
        sa.CheckConstraint(
            "num_nulls(width, height, format, size) IN (0, 4)"
            " AND (products = 0 OR size IS NOT NULL)",
            name="image_ledger_stored_check",
        ),
    )
    op.create_index("image_ledger_product_id_idx", "image_ledger", ["product_id"])
    op.create_index(
        "image_ledger_until_idx",
        "image_ledger",
        ["until"],
        postgresql_where=sa.text("products = 0"),
    )


def downgrade() -> None:
    op.drop_table("image_ledger")
