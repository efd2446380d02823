"""Store the path and visibility of categories."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0004"
down_revision = "0003"

# No version before this one wrote categories; what other hands put there is brought in line.
FILL = """
WITH RECURSIVE tree AS (
  SELECT id, ARRAY[slug::text] AS path, is_active AS is_visible
  FROM categories WHERE parent_id IS NULL
  UNION ALL
  SELECT below.id, tree.path || below.slug::text, tree.is_visible AND below.is_active
  FROM categories below JOIN tree ON below.parent_id = tree.id
)
UPDATE categories
SET path = tree.path, is_visible = tree.is_visible, name_key = lower(name)
FROM tree WHERE categories.id = tree.id
"""


def upgrade() -> None:
    op.add_column(
        "categories",
        sa.Column("name_key", sa.Text(collation="C"), server_default="", nullable=False),
    )
    op.add_column(
        "categories",
        sa.Column(
            "path", ARRAY(sa.Text(collation="C")), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "categories",
        sa.Column("is_visible", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.execute(FILL)
    op.create_check_constraint(
        op.f("categories_description_check"), "categories", "char_length(description) <= 5000"
    )
    op.create_index("categories_name_idx", "categories", ["name_key", "id"])
    op.create_index("categories_path_idx", "categories", ["path"], postgresql_using="gin")
    op.create_index(
        "products_archived_idx", "products", ["id"], postgresql_where=sa.text("NOT is_active")
    )
    op.drop_index("product_categories_category_id_idx", "product_categories")
    op.create_index(
        "product_categories_category_id_idx", "product_categories", ["category_id", "product_id"]
    )


def downgrade() -> None:
    op.drop_index("product_categories_category_id_idx", "product_categories")
    op.create_index("product_categories_category_id_idx", "product_categories", ["category_id"])
    op.drop_index("products_archived_idx", "products")
    op.drop_index("categories_path_idx", "categories")
    op.drop_index("categories_name_idx", "categories")
    op.drop_constraint(op.f("categories_description_check"), "categories")
    for name in ("is_visible", "path", "name_key"):
        op.drop_column("categories", name)
