"""Tables, indexes and check constraints of the database."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from eggypro_core.domain.gtin import MAX_GTIN_LENGTH

HEAD_REVISION = "0018"
"""Revision of the newest migration, which results in these tables."""


def is_outdated(revision: str | None) -> bool:
    """Return whether a database at `revision` (None without tables) lacks migrations.

    Revisions are numbered: a greater one is that of a newer version, whose tables this one can use.
    """
    return revision is None or revision < HEAD_REVISION


metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _id(kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column("id", kind, sa.Identity(), primary_key=True)


def _created_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    )


def _flag(name: str, *, default: bool) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text(str(default).lower()))


def _text_list(name: str) -> sa.Column[object]:
    return sa.Column(name, ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'"))


def _integer(name: str, default: int) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text(str(default)))


def _gtin() -> sa.Column[str]:
    return sa.Column("gtin", sa.String(MAX_GTIN_LENGTH))


def _gtin_check() -> sa.CheckConstraint:
    return sa.CheckConstraint("gtin ~ '^([0-9]{8}|[0-9]{12,14})$'", name="gtin")


def _weight_check() -> sa.CheckConstraint:
    return sa.CheckConstraint("weight_grams >= 0", name="weight_grams")


products = sa.Table(
    "products",
    metadata,
    _id(),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("slug", sa.String(255, collation="C"), nullable=False),
    sa.Column("sku", sa.String(255)),
    _gtin(),
    sa.Column("brand", sa.String(255)),
    _text_list("tags"),
    sa.Column("weight_grams", sa.Integer),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("details", sa.Text, nullable=False),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("compare_at_price", sa.Numeric(10, 2)),
    _text_list("images"),
    _text_list("image_alts"),
    _text_list("ingredients"),
    # json, not jsonb: it preserves the order of a nutrition table.
    sa.Column("attributes", sa.JSON, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("seo_title", sa.String(255)),
    sa.Column("seo_description", sa.String(500)),
    _integer("stock_quantity", 0),
    _flag("track_stock", default=True),
    _flag("is_active", default=True),
    _flag("is_listed", default=True),
    _integer("version", 1),
    sa.Column("rating_average", sa.Numeric(3, 2)),
    _integer("rating_count", 0),
    _integer("variant_count", 0),
    _flag("has_variants", default=False),
    _created_at(),
    sa.Column(
        "updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    # `name_sort_key` of the core: without case and accents, compared by code points.
    sa.Column("name_key", sa.Text(collation="C"), nullable=False),
    sa.CheckConstraint("char_length(name) > 0", name="name"),
    sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name="slug"),
    sa.CheckConstraint("char_length(sku) > 0", name="sku"),
    _gtin_check(),
    sa.CheckConstraint("char_length(brand) > 0", name="brand"),
    sa.CheckConstraint("cardinality(tags) <= 250", name="tags"),
    _weight_check(),
    sa.CheckConstraint("char_length(description) <= 5000", name="description"),
    sa.CheckConstraint("char_length(details) <= 50000", name="details"),
    sa.CheckConstraint("price BETWEEN 0.01 AND 999999.99", name="price"),
    sa.CheckConstraint(
        "compare_at_price > price AND compare_at_price <= 999999.99", name="compare_at_price"
    ),
    sa.CheckConstraint(
        "cardinality(images) <= 50 AND cardinality(images) = cardinality(image_alts)", name="images"
    ),
    sa.CheckConstraint("cardinality(ingredients) <= 50", name="ingredients"),
    sa.CheckConstraint("json_typeof(attributes) = 'object'", name="attributes"),
    sa.CheckConstraint("stock_quantity >= 0", name="stock_quantity"),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint(
        "rating_count >= 0 AND (rating_average IS NULL) = (rating_count = 0)"
        " AND rating_average BETWEEN 1 AND 5",
        name="rating",
    ),
    sa.CheckConstraint(
        "variant_count >= 0 AND (has_variants OR variant_count = 0)", name="variant_count"
    ),
)
sa.Index("products_slug_idx", products.c.slug, unique=True)
sa.Index("products_sku_idx", products.c.sku, unique=True)
sa.Index("products_gtin_idx", products.c.gtin, postgresql_where=products.c.gtin.is_not(None))
sa.Index("products_name_idx", products.c.name_key, products.c.id)
sa.Index("products_price_idx", products.c.price, products.c.id)
sa.Index("products_created_idx", products.c.created_at, products.c.id)
sa.Index(
    "products_rating_idx", sa.func.coalesce(products.c.rating_average, sa.text("0")), products.c.id
)
sa.Index("products_stock_idx", products.c.stock_quantity)
# Lists and counts of public products by price and stock read nothing but this index.
sa.Index(
    "products_active_idx",
    products.c.is_active,
    products.c.is_listed,
    products.c.price,
    products.c.id,
    postgresql_include=["stock_quantity", "track_stock"],
)
# The few products that public counts leave out.
sa.Index(
    "products_hidden_idx",
    products.c.id,
    postgresql_include=["is_active", "is_listed"],  # counts read nothing but the index
    postgresql_where=sa.not_(sa.and_(products.c.is_active, products.c.is_listed)),
)

# The search index, narrower than `products`. Stores write the words with each change of a text; a
# trigger on `products` updates the other columns.
product_search = sa.Table(
    "product_search",
    metadata,
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    # Order of results in a rank tier: `rank_score` of the core. Its lowest bit is 1 if in stock.
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    _flag("is_listed", default=True),
    # Stems, prefixed by the letter of their best field (A to D), and category ids, prefixed by #.
    sa.Column("words", TSVECTOR, nullable=False),
)
sa.Index(
    "product_search_score_idx", product_search.c.score.desc(), product_search.c.product_id.desc()
)
# Every search scans the list of pending rows: 256 KiB take a tenth of a millisecond, and make an
# import a tenth slower than the default of 4 MiB.
sa.Index(
    "product_search_words_idx",
    product_search.c.words,
    postgresql_using="gin",
    postgresql_with={"gin_pending_list_limit": 256},
)
# A random order, for sampling.
sa.Index("product_search_sample_idx", sa.func.hashint4(product_search.c.product_id))

# The vocabulary of the search: every word that a product or a category ever had.
search_words = sa.Table(
    "search_words",
    metadata,
    sa.Column("word", sa.Text(collation="C"), primary_key=True),
    sa.Column("stem", sa.Text(collation="C"), nullable=False),
    # `deletion_neighbours` of the core, shared with the words that are one edit away.
    sa.Column("slips", ARRAY(sa.Text(collation="C")), nullable=False),
)
sa.Index("search_words_stem_idx", search_words.c.stem)
sa.Index("search_words_slips_idx", search_words.c.slips, postgresql_using="gin")

# Zero-result searches. The words are folded and say nothing about who searched.
search_misses = sa.Table(
    "search_misses",
    metadata,
    sa.Column("words", sa.Text(collation="C"), primary_key=True),
    sa.Column("times", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("char_length(words) > 0", name="words"),
    sa.CheckConstraint("times >= 1", name="times"),
)

slug_aliases = sa.Table(
    "slug_aliases",
    metadata,
    sa.Column("slug", sa.String(255, collation="C"), primary_key=True),
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name="slug"),
)
sa.Index("slug_aliases_product_id_idx", slug_aliases.c.product_id)

# The IDs of products in the shops whose files were imported.
product_sources = sa.Table(
    "product_sources",
    metadata,
    sa.Column("source", sa.Text(collation="C"), primary_key=True),
    sa.Column("source_id", sa.Text(collation="C"), primary_key=True),
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
)
sa.Index("product_sources_product_id_idx", product_sources.c.product_id)

variants = sa.Table(
    "variants",
    metadata,
    _id(),
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    sa.Column("sku", sa.String(255)),
    _gtin(),
    sa.Column("weight_grams", sa.Integer),
    sa.Column("options", sa.JSON, nullable=False),  # json, not jsonb: preserves the order of names
    # `options_key` of the core: unique within a product.
    sa.Column("combination", sa.String(32, collation="C"), nullable=False),
    sa.Column("price", sa.Numeric(10, 2), nullable=False),
    sa.Column("compare_at_price", sa.Numeric(10, 2)),
    _integer("stock_quantity", 0),
    _flag("track_stock", default=True),
    sa.Column("image", sa.String(2048)),
    _integer("position", 0),
    _flag("is_active", default=True),
    sa.CheckConstraint("char_length(sku) > 0", name="sku"),
    _gtin_check(),
    _weight_check(),
    sa.CheckConstraint("json_typeof(options) = 'object'", name="options"),
    sa.CheckConstraint("price BETWEEN 0.01 AND 999999.99", name="price"),
    sa.CheckConstraint(
        "compare_at_price > price AND compare_at_price <= 999999.99", name="compare_at_price"
    ),
    sa.CheckConstraint("stock_quantity >= 0", name="stock_quantity"),
    sa.CheckConstraint("position >= 0", name="position"),
)
sa.Index("variants_combination_idx", variants.c.product_id, variants.c.combination, unique=True)
sa.Index("variants_gtin_idx", variants.c.gtin, postgresql_where=variants.c.gtin.is_not(None))
sa.Index("variants_position_idx", variants.c.product_id, variants.c.position, variants.c.id)

# SKUs are unique over products and variants. Triggers maintain this table.
skus = sa.Table(
    "skus",
    metadata,
    sa.Column("sku", sa.String(255), primary_key=True),
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    sa.Column("variant_id", sa.ForeignKey("variants.id", ondelete="CASCADE")),
)
sa.Index("skus_product_id_idx", skus.c.product_id)
sa.Index("skus_variant_id_idx", skus.c.variant_id)

categories = sa.Table(
    "categories",
    metadata,
    _id(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("slug", sa.String(100, collation="C"), nullable=False),
    sa.Column("description", sa.Text),
    sa.Column("parent_id", sa.ForeignKey("categories.id", ondelete="RESTRICT")),
    _flag("is_active", default=True),
    _created_at(),
    # `name_sort_key` of the core, as for products.
    sa.Column("name_key", sa.Text(collation="C"), nullable=False, server_default=""),
    # Derived from the tree on each write, so that reads need no recursion: the slugs from the root
    # to the category, and whether it and all its ancestors are active.
    sa.Column(
        "path", ARRAY(sa.Text(collation="C")), nullable=False, server_default=sa.text("'{}'")
    ),
    _flag("is_visible", default=True),
    # The stems of the name, for searches; null until they are computed.
    sa.Column("stems", ARRAY(sa.Text(collation="C"))),
    sa.CheckConstraint("char_length(name) > 0", name="name"),
    sa.CheckConstraint("char_length(description) <= 5000", name="description"),
    sa.CheckConstraint("slug ~ '^[a-z0-9-]+$'", name="slug"),
    sa.CheckConstraint("parent_id <> id", name="parent_id"),
)
sa.Index("categories_slug_idx", categories.c.slug, unique=True)
sa.Index("categories_parent_id_idx", categories.c.parent_id)
sa.Index("categories_name_idx", categories.c.name_key, categories.c.id)
sa.Index("categories_path_idx", categories.c.path, postgresql_using="gin")
sa.Index("categories_stems_idx", categories.c.stems, postgresql_using="gin")

product_categories = sa.Table(
    "product_categories",
    metadata,
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("category_id", sa.ForeignKey("categories.id", ondelete="CASCADE"), primary_key=True),
)
sa.Index(
    "product_categories_category_id_idx",
    product_categories.c.category_id,
    product_categories.c.product_id,  # products of a category are counted by index-only scans
)

reviews = sa.Table(
    "reviews",
    metadata,
    _id(),
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="CASCADE"), nullable=False),
    sa.Column("reviewer_name", sa.String(255), nullable=False),
    sa.Column("reviewer_image_url", sa.String(255)),
    sa.Column("rating", sa.Integer, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("image_url", sa.String(255)),
    sa.Column("video_url", sa.String(255)),
    _flag("is_verified", default=False),
    _created_at(),
    sa.CheckConstraint("char_length(reviewer_name) > 0", name="reviewer_name"),
    sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    sa.CheckConstraint("char_length(comment) BETWEEN 1 AND 5000", name="comment"),
)
sa.Index("reviews_product_id_idx", reviews.c.product_id)
sa.Index("reviews_rating_idx", reviews.c.rating)
sa.Index("reviews_verified_idx", reviews.c.is_verified)
sa.Index(
    "reviews_shown_idx",
    reviews.c.product_id,
    reviews.c.created_at,
    reviews.c.id,
    postgresql_include=["rating"],
    postgresql_where=reviews.c.is_verified,
)
sa.Index(
    "reviews_pending_idx",
    reviews.c.created_at,
    reviews.c.id,
    postgresql_where=sa.not_(reviews.c.is_verified),
)
sa.Index("reviews_created_idx", reviews.c.created_at, reviews.c.id)

# The image registry: every image that may exist in the image store, from its reservation until its
# deletion is certain.
image_ledger = sa.Table(
    "image_ledger",
    metadata,
    sa.Column("public_id", sa.String(200, collation="C"), primary_key=True),
    # The product of a direct upload by a browser.
    sa.Column("product_id", sa.ForeignKey("products.id", ondelete="SET NULL")),
    sa.Column("until", sa.DateTime(timezone=True), nullable=False),
    # A count of references, so that concurrent writes to two products wait for this row.
    sa.Column("products", sa.Integer, nullable=False, server_default=sa.text("0")),
    _flag("is_given_up", default=False),
    _flag("is_deleted", default=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("format", sa.String(10)),
    sa.Column("size", sa.Integer, comment="bytes"),
    sa.CheckConstraint("products >= 0", name="products"),
    sa.CheckConstraint("products = 0 OR NOT is_given_up", name="is_given_up"),
    sa.CheckConstraint(
        "num_nulls(width, height, format, size) IN (0, 4) AND (products = 0 OR size IS NOT NULL)",
        name="stored",
    ),
)
sa.Index("image_ledger_product_id_idx", image_ledger.c.product_id)
sa.Index("image_ledger_until_idx", image_ledger.c.until, postgresql_where=sa.text("products = 0"))

# Steps of migrations that fill columns in batches: each is done up to the id of a product. A step
# that is complete has no row.
backfills = sa.Table(
    "backfills",
    metadata,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("after_id", sa.Integer, nullable=False),
)

# Stored responses to requests with an Idempotency-Key, by a hash of the key and its owner.
idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("name", sa.String(64, collation="C"), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)
sa.Index("idempotency_keys_expires_idx", idempotency_keys.c.expires_at)

# API keys, by the SHA-256 digest of the key. Revoked ones stay, so that they are known.
api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("prefix", sa.String(12, collation="C"), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("permissions", ARRAY(sa.Text), nullable=False),
    _created_at(),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    sa.Column("last_used_at", sa.DateTime(timezone=True)),
    sa.Column("revoked_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("octet_length(digest) = 32", name="digest"),
)
sa.Index("api_keys_prefix_idx", api_keys.c.prefix, unique=True)

# The event log: one batch for each transaction that changed something. Readers give committed
# batches their position; `ordinal` is the order in which transactions were about to commit.
batches = sa.Table(
    "batches",
    metadata,
    _id(sa.BigInteger),
    sa.Column("ordinal", sa.BigInteger, sa.Identity(), nullable=False),
    sa.Column("position", sa.BigInteger),
    sa.Column(
        "at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()
    ),
    sa.Column("actor", sa.String(255), nullable=False),
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("request_id", sa.String(64)),
    sa.Column("reason", sa.String(64)),
    sa.Column("reference", sa.String(255)),
    # The first batch of an import in chunks.
    sa.Column("part_of", sa.BigInteger),
)
sa.Index("batches_position_idx", batches.c.position, unique=True)
sa.Index("batches_unnumbered_idx", batches.c.ordinal, postgresql_where=batches.c.position.is_(None))
sa.Index("batches_at_idx", batches.c.at)
sa.Index("batches_part_of_idx", batches.c.part_of, postgresql_where=batches.c.part_of.is_not(None))

# Without foreign keys: events outlive their products, and inserts do not look up their batch.
events = sa.Table(
    "events",
    metadata,
    _id(sa.BigInteger),
    sa.Column("batch_id", sa.BigInteger, nullable=False),
    sa.Column("type", sa.String(50), nullable=False),
    sa.Column("subject_id", sa.BigInteger),
    sa.Column("product_id", sa.Integer),
    sa.Column("slug", sa.String(255, collation="C")),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("changes", sa.JSON),
)
sa.Index("events_batch_idx", events.c.batch_id, events.c.id)
sa.Index(
    "events_product_idx",
    events.c.product_id,
    events.c.id,
    postgresql_where=events.c.product_id.is_not(None),
)
sa.Index(
    "events_other_idx",
    events.c.subject_id,
    events.c.id,
    postgresql_where=events.c.product_id.is_(None),
)
sa.Index(
    "events_deleted_slug_idx",
    events.c.slug,
    postgresql_where=events.c.type == sa.literal_column("'product.deleted'"),
)

api_metrics = sa.Table(
    "api_metrics",
    metadata,
    _id(sa.BigInteger),
    sa.Column("endpoint", sa.String(255), nullable=False),
    sa.Column("method", sa.String(10), nullable=False),
    sa.Column("status_code", sa.Integer, nullable=False),
    sa.Column("response_time", sa.REAL, nullable=False, comment="milliseconds"),
    sa.Column("user_agent", sa.Text),
    sa.Column("ip_address", sa.String(45)),
    _created_at(),
    sa.Column("request_id", sa.String(64)),
    _integer("requests", 1),
    sa.CheckConstraint("status_code BETWEEN 100 AND 599", name="status_code"),
    sa.CheckConstraint("response_time >= 0", name="response_time"),
)
sa.Index("api_metrics_endpoint_idx", api_metrics.c.endpoint)
sa.Index("api_metrics_timestamp_idx", api_metrics.c.created_at)
