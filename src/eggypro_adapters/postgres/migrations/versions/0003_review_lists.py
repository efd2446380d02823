"""Add indexes for lists of reviews."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_index(
        "reviews_shown_idx",
        "reviews",
        ["product_id", "created_at", "id"],
        postgresql_include=["rating"],
        postgresql_where=sa.text("is_verified"),
    )
    op.create_index(
        "reviews_pending_idx",
        "reviews",
        ["created_at", "id"],
        postgresql_where=sa.text("NOT is_verified"),
    )
    op.create_index("reviews_created_idx", "reviews", ["created_at", "id"])


def downgrade() -> None:
    for name in ("reviews_created_idx", "reviews_pending_idx", "reviews_shown_idx"):
        op.drop_index(name, table_name="reviews")
