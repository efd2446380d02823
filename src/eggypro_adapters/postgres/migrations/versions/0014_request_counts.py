"""Add the number of equal requests to the request log, which then has fewer rows."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    requests = sa.Column("requests", sa.Integer, nullable=False, server_default="1")
    op.add_column("api_metrics", requests)


def downgrade() -> None:
    op.drop_column("api_metrics", "requests")
