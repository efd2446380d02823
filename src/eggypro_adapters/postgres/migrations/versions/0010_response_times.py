"""Store response times in fractions of a millisecond: most responses take less than one."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.alter_column("api_metrics", "response_time", type_=sa.REAL())


def downgrade() -> None:
    op.alter_column(
        "api_metrics",
        "response_time",
        type_=sa.Integer(),
        postgresql_using="CAST(round(response_time) AS integer)",
    )
