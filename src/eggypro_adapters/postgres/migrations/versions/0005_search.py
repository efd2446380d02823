"""Add the tables of the search index, which is built after all migrations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

revision = "0005"
down_revision = "0004"

SCORE = """
CREATE FUNCTION eggypro_score(rating_average numeric, stock_quantity integer, track_stock boolean)
RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CAST(coalesce(rating_average, 0) * 100 AS integer) * 2
    + CAST(stock_quantity > 0 OR NOT track_stock AS integer)
$$;
"""
FOLLOW = """
CREATE FUNCTION eggypro_search_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE product_search
  SET score = eggypro_score(NEW.rating_average, NEW.stock_quantity, NEW.track_stock),
    price = NEW.price, is_active = NEW.is_active
  WHERE product_id = NEW.id;
  RETURN NULL;
END $$;
CREATE TRIGGER products_search
AFTER UPDATE OF price, is_active, rating_average, stock_quantity, track_stock ON products
FOR EACH ROW WHEN (
  (OLD.price, OLD.is_active,
    eggypro_score(OLD.rating_average, OLD.stock_quantity, OLD.track_stock))
  IS DISTINCT FROM (NEW.price, NEW.is_active,
    eggypro_score(NEW.rating_average, NEW.stock_quantity, NEW.track_stock))
) EXECUTE FUNCTION eggypro_search_follows();
"""


def upgrade() -> None:
    op.drop_index("products_search_idx", "products")
    op.drop_column("products", "search")
    op.create_table(
        "product_search",
        sa.Column("product_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("price", sa.Numeric(precision=10, scale=2), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("product_search_product_id_fkey"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("product_search_pkey")),
    )
    op.create_index(
        "product_search_score_idx", "product_search", [sa.text("score DESC, product_id DESC")]
    )
    op.create_index(
        "product_search_words_idx",
        "product_search",
        ["words"],
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},
    )
    op.create_index(
        "product_search_sample_idx", "product_search", [sa.text("hashint4(product_id)")]
    )
    # Statistics tell a common word from a rare one: more of them than the usual thousand.
    op.execute("ALTER TABLE product_search ALTER words SET STATISTICS 300")
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(collation="C"), nullable=False),
        sa.Column("stem", sa.Text(collation="C"), nullable=False),
        sa.Column("slips", ARRAY(sa.Text(collation="C")), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("search_words_pkey")),
    )
    op.create_index("search_words_stem_idx", "search_words", ["stem"])
    op.create_index("search_words_slips_idx", "search_words", ["slips"], postgresql_using="gin")
    op.add_column("categories", sa.Column("stems", ARRAY(sa.Text(collation="C"))))
    op.create_index("categories_stems_idx", "categories", ["stems"], postgresql_using="gin")
    op.execute(SCORE)
    op.execute(FOLLOW)


def downgrade() -> None:
    op.execute("DROP TRIGGER products_search ON products")
    op.execute("DROP FUNCTION eggypro_search_follows()")
    op.drop_index("categories_stems_idx", "categories")
    op.drop_column("categories", "stems")
    op.drop_table("search_words")
    op.drop_table("product_search")
    op.execute("DROP FUNCTION eggypro_score(numeric, integer, boolean)")
    op.add_column(
        "products",
        sa.Column(
            "search",
            TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('eggypro', name), 'A')"
                " || setweight(to_tsvector('eggypro', eggypro_joined(ingredients)), 'B')"
                " || setweight(to_tsvector('eggypro', description), 'C')"
                " || setweight(to_tsvector('eggypro', details), 'D')",
                persisted=True,
            ),
            nullable=False,
        ),
    )
    op.create_index("products_search_idx", "products", ["search"], postgresql_using="gin")
