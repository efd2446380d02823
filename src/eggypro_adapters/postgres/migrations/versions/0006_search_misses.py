"""Count zero-result searches."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "search_misses",
        sa.Column("words", sa.Text(collation="C"), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("char_length(words) > 0", name=op.f("search_misses_words_check")),
        sa.CheckConstraint("times >= 1", name=op.f("search_misses_times_check")),
        sa.PrimaryKeyConstraint("words", name=op.f("search_misses_pkey")),
    )


def downgrade() -> None:
    op.drop_table("search_misses")
