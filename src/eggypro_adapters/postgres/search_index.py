"""What a search reads of products and categories, written in the transaction that changes them."""

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
"""What tells the best field of a stem, by the field."""
FIELDS_BY_LETTER = dict(zip(FIELD_LETTERS, SearchField, strict=True))
INGREDIENTS_LETTER = FIELD_LETTERS[SearchField.INGREDIENTS]
_texts = ARRAY(sa.Text)
_ids = ARRAY(sa.Integer)
_REBUILD_BATCH_SIZE = 500
_SELECT_SEARCHABLE = sa.text("""
    SELECT id, name, description, details, ingredients, attributes,
      CASE WHEN has_variants THEN ARRAY(
        SELECT DISTINCT value FROM variants, json_each_text(options)
        WHERE product_id = products.id AND is_active
      ) END AS options,
      ARRAY(SELECT category_id FROM product_categories WHERE product_id = products.id) AS inside
    FROM products WHERE id = ANY(:ids) ORDER BY id
""").bindparams(sa.bindparam("ids", type_=_ids))
_UPSERT_SEARCH_ROWS = sa.text("""
    INSERT INTO product_search (product_id, score, price, is_active, words)
    SELECT id, eggypro_score(rating_average, stock_quantity, track_stock), price, is_active,
      CAST(words AS tsvector)
    FROM unnest(:ids, :words) AS found (id, words) JOIN products USING (id) ORDER BY id
    ON CONFLICT (product_id) DO UPDATE SET words = excluded.words
    WHERE product_search.words <> excluded.words
""").bindparams(sa.bindparam("ids", type_=_ids), sa.bindparam("words", type_=_texts))
_NEW_WORDS = sa.text("""
    SELECT word FROM unnest(:words) AS found (word)
    WHERE NOT EXISTS (SELECT FROM search_words WHERE search_words.word = found.word COLLATE "C")
""").bindparams(sa.bindparam("words", type_=_texts))
_INSERT_WORDS = sa.text("""
    INSERT INTO search_words (word, stem, slips)
    SELECT word, stem, string_to_array(slips, ' ')
    FROM unnest(:words, :stems, :slips) AS new (word, stem, slips)
    ON CONFLICT DO NOTHING
""").bindparams(*(sa.bindparam(name, type_=_texts) for name in ("words", "stems", "slips")))
_UNINDEXED_PRODUCTS = sa.text("""
    SELECT id FROM products
    WHERE NOT EXISTS (SELECT FROM product_search WHERE product_id = id) ORDER BY id LIMIT :most
""")
_UNINDEXED_CATEGORIES = sa.text("SELECT id, name FROM categories WHERE stems IS NULL")
_UPDATE_CATEGORY_STEMS = sa.text(
    "UPDATE categories SET stems = string_to_array(:stems, ' ') WHERE id = :id"
)


def index_products(
    connection: sa.Connection, products: Sequence[int], known: set[str] | None = None
) -> None:
    """Write what a search reads of products, as they are now in this transaction.

    `known` are words that need not be learnt; those of the products are added to it.
    """
    add_to_vocabulary(connection, index_without_vocabulary(connection, products), known)


def index_without_vocabulary(
    connection: sa.Connection, products: Sequence[int]
) -> Collection[DocumentTerms]:
    """Write the same, and return it, but leave the words to be learnt."""
    if not products:
        return ()
    rows = connection.execute(_SELECT_SEARCHABLE, {"ids": list(products)}).all()
    entries = {row.id: document_terms(row, row.options or ()) for row in rows}
    words = [_lexemes(entries[row.id], row.inside) for row in rows]
    connection.execute(_UPSERT_SEARCH_ROWS, {"ids": list(entries), "words": words})
    return entries.values()


def search_row(product_id: int, draft: ProductDraft, entry: DocumentTerms) -> dict[str, Any]:
    """Return what a search reads of a new product without variants and categories, by column."""
    in_stock = draft.stock_quantity > 0 or not draft.track_stock
    return {
        "product_id": product_id,
        "score": rank_score(None, in_stock=in_stock),
        "price": draft.price,
        "is_active": draft.is_active,
        "words": _lexemes(entry),
    }


def add_to_vocabulary(
    connection: sa.Connection, entries: Iterable[DocumentTerms], known: set[str] | None = None
) -> None:
    """Add the words of entries to those that searches know, but for those `known` to be there."""
    known = set() if known is None else known
    words = set[str]().union(*(entry.words for entry in entries)) - known
    if words:
        add_words(connection, words)
        known |= words


def add_words(connection: sa.Connection, words: Collection[str]) -> None:
    """Add words to those that searches know."""
    # In one order: two that learn the same words wait for one another once, not crosswise.
    new = sorted(connection.scalars(_NEW_WORDS, {"words": list(words)}))
    if new:
        slipped = [
            " ".join(deletion_neighbours(word)) if is_correctable(word) else "" for word in new
        ]
        connection.execute(_INSERT_WORDS, {"words": new, "stems": stems_of(new), "slips": slipped})


def category_stems(name: str) -> list[str]:
    """Return what a search knows of a category."""
    return sorted(set(stems_of(tokenize(name))))


def rebuild_missing(connection: sa.Connection) -> None:
    """Write what a search reads of all that it does not know yet."""
    known: set[str] = set()
    while missing := connection.scalars(_UNINDEXED_PRODUCTS, {"most": _REBUILD_BATCH_SIZE}).all():
        index_products(connection, missing, known)
    for row in connection.execute(_UNINDEXED_CATEGORIES).all():
        connection.execute(
            _UPDATE_CATEGORY_STEMS, {"id": row.id, "stems": " ".join(category_stems(row.name))}
        )
        add_words(connection, tokenize(row.name))


def _lexemes(entry: DocumentTerms, inside: Iterable[int] = ()) -> str:
    """Return the words of a product as a tsvector is written. None of them needs quotes."""
    words = [f"{FIELD_LETTERS[field]}{one}" for one, field in entry.stems.items()]
    return " ".join([*words, *(f"#{category}" for category in inside)])
