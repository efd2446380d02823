"""Search index and vocabulary, written in the transaction that changes products or categories."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_core.domain.product import ProductDraft
from eggypro_core.search.query import rank_score
from eggypro_core.search.text import (
    DocumentTerms,
    SearchField,
    deletion_neighbours,
    document_terms,
    is_correctable,
    stems_of,
    tokenize,
)

FIELD_LETTERS = "ABCD"
"""The prefix of a stem that says its best field, by SearchField."""
FIELDS_BY_LETTER = dict(zip(FIELD_LETTERS, SearchField, strict=True))
INGREDIENTS_LETTER = FIELD_LETTERS[SearchField.INGREDIENTS]
_texts = ARRAY(sa.Text)
_ids = ARRAY(sa.Integer)
_REBUILD_BATCH_SIZE = 500
_SELECT_SEARCHABLE = sa.text("""
    SELECT id, name, brand, tags, description, details, ingredients, attributes,
      CASE WHEN has_variants THEN ARRAY(
        SELECT DISTINCT value FROM variants, json_each_text(options)
        WHERE product_id = products.id AND is_active
      ) END AS options,
      ARRAY(SELECT category_id FROM product_categories WHERE product_id = products.id)
        AS category_ids
    FROM products WHERE id = ANY(:ids) ORDER BY id
""").bindparams(sa.bindparam("ids", type_=_ids))
_UPSERT_SEARCH_ROWS = sa.text("""
    INSERT INTO product_search (product_id, score, price, is_active, is_listed, words)
    SELECT id, eggypro_score(rating_average, stock_quantity, track_stock), price, is_active,
      is_listed, CAST(words AS tsvector)
    FROM unnest(:ids, :words) AS entry (id, words) JOIN products USING (id) ORDER BY id
    ON CONFLICT (product_id) DO UPDATE SET words = excluded.words
    WHERE product_search.words <> excluded.words
""").bindparams(sa.bindparam("ids", type_=_ids), sa.bindparam("words", type_=_texts))
_NEW_WORDS = sa.text("""
    SELECT word FROM unnest(:words) AS candidate (word)
    WHERE NOT EXISTS (
      SELECT FROM search_words WHERE search_words.word = candidate.word COLLATE "C")
""").bindparams(sa.bindparam("words", type_=_texts))
_INSERT_WORDS = sa.text("""
    INSERT INTO search_words (word, stem, slips)
    SELECT word, stem, string_to_array(neighbours, ' ')
    FROM unnest(:words, :stems, :neighbours) AS new (word, stem, neighbours)
    ON CONFLICT DO NOTHING
""").bindparams(*(sa.bindparam(name, type_=_texts) for name in ("words", "stems", "neighbours")))
_UNINDEXED_PRODUCTS = sa.text("""
    SELECT id FROM products
    WHERE NOT EXISTS (SELECT FROM product_search WHERE product_id = id) ORDER BY id LIMIT :limit
""")
_UNINDEXED_CATEGORIES = sa.text("SELECT id, name FROM categories WHERE stems IS NULL")
_UPDATE_CATEGORY_STEMS = sa.text(
    "UPDATE categories SET stems = string_to_array(:stems, ' ') WHERE id = :id"
)


def index_products(
    connection: sa.Connection, product_ids: Sequence[int], known: set[str] | None = None
) -> None:
    """Write the search rows of products, as this transaction sees them, and their words.

    `known` are words already in the vocabulary; the words of the products are added to it.
    """
    add_to_vocabulary(connection, index_without_vocabulary(connection, product_ids), known)


def index_without_vocabulary(
    connection: sa.Connection, product_ids: Sequence[int]
) -> Collection[DocumentTerms]:
    """Write the search rows of products and return their terms; leave the vocabulary unchanged."""
    if not product_ids:
        return ()
    rows = connection.execute(_SELECT_SEARCHABLE, {"ids": list(product_ids)}).all()
    entries = {row.id: document_terms(row, row.options or ()) for row in rows}
    words = [_lexemes(entries[row.id], row.category_ids) for row in rows]
    connection.execute(_UPSERT_SEARCH_ROWS, {"ids": list(entries), "words": words})
    return entries.values()


def search_row(product_id: int, draft: ProductDraft, entry: DocumentTerms) -> dict[str, Any]:
    """Return the search row of a new product without variants and categories, by column."""
    in_stock = draft.stock_quantity > 0 or not draft.track_stock
    return {
        "product_id": product_id,
        "score": rank_score(None, in_stock=in_stock),
        "price": draft.price,
        "is_active": draft.is_active,
        "is_listed": draft.is_listed,
        "words": _lexemes(entry),
    }


def add_to_vocabulary(
    connection: sa.Connection, entries: Iterable[DocumentTerms], known: set[str] | None = None
) -> None:
    """Add the words of entries to the vocabulary, except those already `known`."""
    known = set() if known is None else known
    words = set[str]().union(*(entry.words for entry in entries)) - known
    if words:
        add_words(connection, words)
        known |= words


def add_words(connection: sa.Connection, words: Collection[str]) -> None:
    """Add words to the vocabulary."""
    # Sorted: concurrent writers of the same words wait for each other without a deadlock.
    new = sorted(connection.scalars(_NEW_WORDS, {"words": list(words)}))
    if new:
        neighbours = [
            " ".join(deletion_neighbours(word)) if is_correctable(word) else "" for word in new
        ]
        values = {"words": new, "stems": stems_of(new), "neighbours": neighbours}
        connection.execute(_INSERT_WORDS, values)


def category_stems(name: str) -> list[str]:
    """Return the stems of a category's name, sorted."""
    return sorted(set(stems_of(tokenize(name))))


def rebuild_missing(connection: sa.Connection) -> None:
    """Index all products and categories that are not in the search index yet."""
    known: set[str] = set()
    while ids := connection.scalars(_UNINDEXED_PRODUCTS, {"limit": _REBUILD_BATCH_SIZE}).all():
        index_products(connection, ids, known)
    for row in connection.execute(_UNINDEXED_CATEGORIES).all():
        connection.execute(
            _UPDATE_CATEGORY_STEMS, {"id": row.id, "stems": " ".join(category_stems(row.name))}
        )
        add_words(connection, tokenize(row.name))


def _lexemes(entry: DocumentTerms, category_ids: Iterable[int] = ()) -> str:
    """Return the lexemes of a product as the text of a tsvector. None of them needs quotes."""
    words = [f"{FIELD_LETTERS[field]}{stem}" for stem, field in entry.stems.items()]
    return " ".join([*words, *(f"#{category_id}" for category_id in category_ids)])
