"""Add the ID of failed requests to the request log, by which their log lines are found."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("api_metrics", sa.Column("request_id", sa.String(64)))


def downgrade() -> None:
    op.drop_column("api_metrics", "request_id")
