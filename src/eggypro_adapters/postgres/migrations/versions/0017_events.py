"""Add the event log: batches, and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("ordinal", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.func.clock_timestamp(),
        ),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("request_id", sa.String(64)),
        sa.Column("reason", sa.String(64)),
        sa.Column("reference", sa.String(255)),
        sa.Column("part_of", sa.BigInteger),
    )
    op.create_index("batches_position_idx", "batches", ["position"], unique=True)
    op.create_index(
        "batches_unnumbered_idx",
        "batches",
        ["ordinal"],
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("batches_at_idx", "batches", ["at"])
    op.create_index(
        "batches_part_of_idx",
        "batches",
        ["part_of"],
        postgresql_where=sa.text("part_of IS NOT NULL"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("batch_id", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(50), nullable=False),
        sa.Column("subject_id", sa.BigInteger),
        sa.Column("product_id", sa.Integer),
        sa.Column("slug", sa.String(255, collation="C")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("changes", sa.JSON),
    )
    op.create_index("events_batch_idx", "events", ["batch_id", "id"])
    op.create_index(
        "events_product_idx",
        "events",
        ["product_id", "id"],
        postgresql_where=sa.text("product_id IS NOT NULL"),
    )
    op.create_index(
        "events_other_idx",
        "events",
        ["subject_id", "id"],
        postgresql_where=sa.text("product_id IS NULL"),
    )
    op.create_index(
        "events_deleted_slug_idx",
        "events",
        ["slug"],
        postgresql_where=sa.text("type = 'product.deleted'"),
    )


def downgrade() -> None:
    op.drop_table("events")
    op.drop_table("batches")
