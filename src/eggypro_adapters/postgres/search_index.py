"""What a search reads of products and categories, written in the transaction that changes them."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_core.domain.product import ProductDraft
from eggypro_core.search.query import score_of
from eggypro_core.search.text import (
    Entry,
    Field,
    can_be_corrected,
    entry_of,
    slips,
    stems_of,
    words_of,
)

LETTERS = "ABCD"
"""What tells the best field of a stem, by the field."""
FIELDS = dict(zip(LETTERS, Field, strict=True))
INGREDIENTS = LETTERS[Field.INGREDIENTS]
_texts = ARRAY(sa.Text)
_ids = ARRAY(sa.Integer)
_FILLED = 500
_READ = sa.text("""
    SELECT id, name, description, details, ingredients, attributes,
      CASE WHEN has_variants THEN ARRAY(
        SELECT DISTINCT value FROM variants, json_each_text(options)
        WHERE product_id = products.id AND is_active
      ) END AS options,
      ARRAY(SELECT category_id FROM product_categories WHERE product_id = products.id) AS inside
    FROM products WHERE id = ANY(:ids) ORDER BY id
""").bindparams(sa.bindparam("ids", type_=_ids))
_WRITE = sa.text("""
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
_LEARN = sa.text("""
    INSERT INTO search_words (word, stem, slips)
    SELECT word, stem, string_to_array(slips, ' ')
    FROM unnest(:words, :stems, :slips) AS new (word, stem, slips)
    ON CONFLICT DO NOTHING
""").bindparams(*(sa.bindparam(name, type_=_texts) for name in ("words", "stems", "slips")))
_MISSING = sa.text("""
    SELECT id FROM products
    WHERE NOT EXISTS (SELECT FROM product_search WHERE product_id = id) ORDER BY id LIMIT :most
""")
_STEMLESS = sa.text("SELECT id, name FROM categories WHERE stems IS NULL")
_STEMS = sa.text("UPDATE categories SET stems = string_to_array(:stems, ' ') WHERE id = :id")


def index(
    connection: sa.Connection, products: Sequence[int], known: set[str] | None = None
) -> None:
    """Write what a search reads of products, as they are now in this transaction.

    `known` are words that need not be learnt; those of the products are added to it.
    """
    learn(connection, described(connection, products), known)


def described(connection: sa.Connection, products: Sequence[int]) -> Collection[Entry]:
    """Write the same, and return it, but leave the words to be learnt."""
    if not products:
        return ()
    rows = connection.execute(_READ, {"ids": list(products)}).all()
    entries = {row.id: entry_of(row, row.options or ()) for row in rows}
    words = [_lexemes(entries[row.id], row.inside) for row in rows]
    connection.execute(_WRITE, {"ids": list(entries), "words": words})
    return entries.values()


def search_row(product_id: int, draft: ProductDraft, entry: Entry) -> dict[str, Any]:
    """Return what a search reads of a new product without variants and categories, by column."""
    in_stock = draft.stock_quantity > 0 or not draft.track_stock
    return {
        "product_id": product_id,
        "score": score_of(None, in_stock=in_stock),
        "price": draft.price,
        "is_active": draft.is_active,
        "words": _lexemes(entry),
    }


def learn(
    connection: sa.Connection, entries: Iterable[Entry], known: set[str] | None = None
) -> None:
    """Add the words of entries to those that searches know, but for those `known` to be there."""
    known = set() if known is None else known
    words = set[str]().union(*(entry.words for entry in entries)) - known
    if words:
        learn_words(connection, words)
        known |= words


def learn_words(connection: sa.Connection, words: Collection[str]) -> None:
    """Add words to those that searches know."""
    # In one order: two that learn the same words wait for one another once, not crosswise.
    new = sorted(connection.scalars(_NEW_WORDS, {"words": list(words)}))
    if new:
        slipped = [" ".join(slips(word)) if can_be_corrected(word) else "" for word in new]
        connection.execute(_LEARN, {"words": new, "stems": stems_of(new), "slips": slipped})


def category_stems(name: str) -> list[str]:
    """Return what a search knows of a category."""
    return sorted(set(stems_of(words_of(name))))


def fill(connection: sa.Connection) -> None:
    """Write what a search reads of all that it does not know yet."""
    known: set[str] = set()
    while missing := connection.scalars(_MISSING, {"most": _FILLED}).all():
        index(connection, missing, known)
    for row in connection.execute(_STEMLESS).all():
        connection.execute(_STEMS, {"id": row.id, "stems": " ".join(category_stems(row.name))})
        learn_words(connection, words_of(row.name))


def _lexemes(entry: Entry, inside: Iterable[int] = ()) -> str:
    """Return the words of a product as a tsvector is written. None of them needs quotes."""
    words = [f"{LETTERS[field]}{one}" for one, field in entry.stems.items()]
    return " ".join([*words, *(f"#{category}" for category in inside)])
