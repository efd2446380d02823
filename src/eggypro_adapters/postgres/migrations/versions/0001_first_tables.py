"""Create the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

# Accents are folded, English words brought to their stem, and no word is dropped as too common:
# in a product's name none is.
SEARCH_WORDS = """
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE TEXT SEARCH DICTIONARY eggypro_stem (TEMPLATE = pg_catalog.snowball, LANGUAGE = english);
CREATE TEXT SEARCH CONFIGURATION eggypro (COPY = pg_catalog.simple);
ALTER TEXT SEARCH CONFIGURATION eggypro
  ALTER MAPPING FOR asciiword, word, asciihword, hword, hword_asciipart, hword_part
  WITH unaccent, eggypro_stem;
-- array_to_string is not marked immutable, since it is not for every type; for text it is.
CREATE FUNCTION eggypro_joined(words text[]) RETURNS text
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  AS $$ SELECT pg_catalog.array_to_string(words, ' ') $$;
"""


def upgrade() -> None:
    op.execute(SEARCH_WORDS)
    op.create_table(
        "api_metrics",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("endpoint", sa.String(length=255), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("response_time", sa.Integer(), nullable=False, comment="milliseconds"),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("response_time >= 0", name=op.f("api_metrics_response_time_check")),
        sa.CheckConstraint(
            "status_code BETWEEN 100 AND 599", name=op.f("api_metrics_status_code_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("api_metrics_pkey")),
    )
    op.create_index("api_metrics_endpoint_idx", "api_metrics", ["endpoint"], unique=False)
    op.create_index("api_metrics_timestamp_idx", "api_metrics", ["created_at"], unique=False)
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("slug", sa.String(length=100, collation="C"), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name=op.f("categories_slug_check")),
        sa.CheckConstraint("char_length(name) > 0", name=op.f("categories_name_check")),
        sa.CheckConstraint("parent_id <> id", name=op.f("categories_parent_id_check")),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["categories.id"],
            name=op.f("categories_parent_id_fkey"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("categories_pkey")),
    )
    op.create_index("categories_parent_id_idx", "categories", ["parent_id"], unique=False)
    op.create_index("categories_slug_idx", "categories", ["slug"], unique=True)
    op.create_table(
        "products",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("slug", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("sku", sa.String(length=100), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("compare_at_price", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column(
            "images", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "image_alts",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "ingredients",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("attributes", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("seo_title", sa.String(length=255), nullable=True),
        sa.Column("seo_description", sa.String(length=500), nullable=True),
        sa.Column("stock_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("track_stock", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("rating_average", sa.Numeric(precision=3, scale=2), nullable=True),
        sa.Column("rating_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("variant_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("name_key", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('eggypro', name), 'A')"
                " || setweight(to_tsvector('eggypro', eggypro_joined(ingredients)), 'B')"
                " || setweight(to_tsvector('eggypro', description), 'C')"
                " || setweight(to_tsvector('eggypro', details), 'D')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "json_typeof(attributes) = 'object'", name=op.f("products_attributes_check")
        ),
        sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name=op.f("products_slug_check")),
        sa.CheckConstraint(
            "cardinality(images) <= 50 AND cardinality(images) = cardinality(image_alts)",
            name=op.f("products_images_check"),
        ),
        sa.CheckConstraint(
            "cardinality(ingredients) <= 50", name=op.f("products_ingredients_check")
        ),
        sa.CheckConstraint(
            "char_length(description) <= 5000", name=op.f("products_description_check")
        ),
        sa.CheckConstraint("char_length(details) <= 50000", name=op.f("products_details_check")),
        sa.CheckConstraint("char_length(name) > 0", name=op.f("products_name_check")),
        sa.CheckConstraint("char_length(sku) > 0", name=op.f("products_sku_check")),
        sa.CheckConstraint(
            "compare_at_price > price AND compare_at_price <= 999999.99",
            name=op.f("products_compare_at_price_check"),
        ),
        sa.CheckConstraint("price BETWEEN 0.01 AND 999999.99", name=op.f("products_price_check")),
        sa.CheckConstraint(
            "rating_count >= 0 AND (rating_average IS NULL) = (rating_count = 0)"
            " AND rating_average BETWEEN 1 AND 5",
            name=op.f("products_rating_check"),
        ),
        sa.CheckConstraint("stock_quantity >= 0", name=op.f("products_stock_quantity_check")),
        sa.CheckConstraint("variant_count >= 0", name=op.f("products_variant_count_check")),
        sa.CheckConstraint("version >= 1", name=op.f("products_version_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("products_pkey")),
    )
    op.create_index("products_active_idx", "products", ["is_active"], unique=False)
    op.create_index("products_created_idx", "products", ["created_at", "id"], unique=False)
    op.create_index("products_name_idx", "products", ["name_key", "id"], unique=False)
    op.create_index("products_price_idx", "products", ["price", "id"], unique=False)
    op.create_index(
        "products_rating_idx",
        "products",
        [sa.literal_column("coalesce(rating_average, 0)"), "id"],
        unique=False,
    )
    op.create_index(
        "products_search_idx", "products", ["search"], unique=False, postgresql_using="gin"
    )
    op.create_index("products_sku_idx", "products", ["sku"], unique=True)
    op.create_index("products_slug_idx", "products", ["slug"], unique=True)
    op.create_index("products_stock_idx", "products", ["stock_quantity"], unique=False)
    op.create_table(
        "product_categories",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["categories.id"],
            name=op.f("product_categories_category_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("product_categories_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", "category_id", name=op.f("product_categories_pkey")),
    )
    op.create_index(
        "product_categories_category_id_idx", "product_categories", ["category_id"], unique=False
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("reviewer_name", sa.String(length=255), nullable=False),
        sa.Column("reviewer_image_url", sa.String(length=255), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("image_url", sa.String(length=255), nullable=True),
        sa.Column("video_url", sa.String(length=255), nullable=True),
        sa.Column("is_verified", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "char_length(comment) BETWEEN 1 AND 5000", name=op.f("reviews_comment_check")
        ),
        sa.CheckConstraint(
            "char_length(reviewer_name) > 0", name=op.f("reviews_reviewer_name_check")
        ),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("reviews_rating_check")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("reviews_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("reviews_pkey")),
    )
    op.create_index("reviews_product_id_idx", "reviews", ["product_id"], unique=False)
    op.create_index("reviews_rating_idx", "reviews", ["rating"], unique=False)
    op.create_index("reviews_verified_idx", "reviews", ["is_verified"], unique=False)
    op.create_table(
        "slug_aliases",
        sa.Column("slug", sa.String(length=255, collation="C"), nullable=False),
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name=op.f("slug_aliases_slug_check")),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("slug_aliases_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("slug_aliases_pkey")),
    )
    op.create_index("slug_aliases_product_id_idx", "slug_aliases", ["product_id"], unique=False)


def downgrade() -> None:
    op.drop_table("slug_aliases")
    op.drop_table("reviews")
    op.drop_table("product_categories")
    op.drop_table("products")
    op.drop_table("categories")
    op.drop_table("api_metrics")
    op.execute("DROP FUNCTION eggypro_joined(text[])")
    op.execute("DROP TEXT SEARCH CONFIGURATION eggypro")
    op.execute("DROP TEXT SEARCH DICTIONARY eggypro_stem")
    op.execute("DROP EXTENSION unaccent")
