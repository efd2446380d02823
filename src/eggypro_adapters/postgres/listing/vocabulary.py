"""Vocabulary lookup for the words of a search, in one round trip."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_core.search.query import MAX_CODE_MATCHES, MAX_PREFIX_EXPANSIONS, QueryToken
from eggypro_core.search.text import deletion_neighbours, is_correctable

MAX_CATEGORY_IDS = 50
"""Maximum number of categories in a subtree that are filtered by their ids in the search index."""

# Prefixes are ranges up to the highest character, for an index in code point order.
_LOOK_UP = CompiledStatement(
    rf"""
WITH token AS (
  SELECT position, word, neighbours, is_last, stem,
    EXISTS (SELECT FROM search_words WHERE search_words.stem = token.stem) AS is_known
  FROM unnest(
    %(words)s::text[], %(stems)s::text[], %(neighbours)s::text[], %(is_last)s::boolean[])
    WITH ORDINALITY AS token (word, stem, neighbours, is_last, position)
), prefixed AS (
  SELECT position, match.word, match.stem FROM token CROSS JOIN LATERAL (
    SELECT * FROM (
      (SELECT word, stem FROM search_words
       WHERE search_words.word > token.word COLLATE "C"
         AND search_words.word < (token.word || U&'\+10FFFF') COLLATE "C"
       ORDER BY word LIMIT {MAX_PREFIX_EXPANSIONS + 1})
      UNION
      (SELECT word, stem FROM search_words
       WHERE search_words.stem > token.word COLLATE "C"
         AND search_words.stem < (token.word || U&'\+10FFFF') COLLATE "C"
       ORDER BY stem LIMIT {MAX_PREFIX_EXPANSIONS + 1})
    ) AS by_word_or_stem ORDER BY word LIMIT {MAX_PREFIX_EXPANSIONS + 1}
  ) AS match
  WHERE is_last OR NOT is_known
), similar_words AS (
  SELECT position, match.word, match.stem FROM token CROSS JOIN LATERAL (
    SELECT word, stem FROM search_words
    WHERE search_words.slips && string_to_array(token.neighbours, ' ')
  ) AS match
  WHERE token.neighbours <> '' AND (
    %(fuzzy)s::boolean
    OR NOT is_known
      AND NOT EXISTS (SELECT FROM prefixed WHERE prefixed.position = token.position))
), matches AS (
  SELECT 'exact' AS kind, position, word, stem FROM token WHERE is_known
  UNION ALL SELECT 'prefix', * FROM prefixed
  UNION ALL SELECT 'similar', * FROM similar_words
)
SELECT kind, position, word, stem, ARRAY(
  SELECT id FROM categories
  WHERE categories.stems @> ARRAY[matches.stem] AND is_visible ORDER BY id)
FROM matches
UNION ALL
SELECT 'code', 0, '', '', ARRAY(
  SELECT product_id FROM skus WHERE sku = %(search)s::text
  UNION SELECT id FROM products WHERE gtin = %(search)s::text
  UNION SELECT product_id FROM variants WHERE gtin = %(search)s::text
  ORDER BY product_id LIMIT {MAX_CODE_MATCHES})
UNION ALL
SELECT 'category', 0, '', '', ARRAY(
  SELECT id FROM categories
  WHERE path @> ARRAY[%(category)s::text] AND is_visible LIMIT {MAX_CATEGORY_IDS + 1})
WHERE %(category)s::text IS NOT NULL
""",
    {},
)


@frozen
class PostgresVocabulary:
    """Known words for the tokens of a search, by kind of match and position."""

    _words: Mapping[tuple[str, int], Sequence[str]]
    _categories: Mapping[str, Sequence[int]]
    _positions: Mapping[QueryToken, int]
    code_matches: frozenset[int]
    """Ids of the products whose SKU or GTIN is the search text."""
    category_ids: Sequence[int] | None
    """Ids of the category filter and its descendants, at most MAX_CATEGORY_IDS + 1."""

    @classmethod
    def load(
        cls,
        database: Database,
        tokens: Sequence[QueryToken],
        search: str,
        category: str | None,
        *,
        fuzzy: bool,
    ) -> Self:
        """Load all that is needed to parse a search."""
        values = {
            "words": [token.word for token in tokens],
            "stems": [token.stem for token in tokens],
            "neighbours": [_joined_neighbours(token) for token in tokens],
            "is_last": [token.is_last for token in tokens],
            "fuzzy": fuzzy,
            "search": search,
            "category": category,
        }
        rows = database.fetch(_LOOK_UP, values)
        return cls._from_rows(rows, {token: number for number, token in enumerate(tokens, 1)})

    @classmethod
    def _from_rows(
        cls, rows: Sequence[tuple[Any, ...]], positions: Mapping[QueryToken, int]
    ) -> Self:
        words: dict[tuple[str, int], list[str]] = defaultdict(list)
        categories: dict[str, Sequence[int]] = {}
        query_ids: dict[str, Sequence[int]] = {}
        for kind, position, word, stem, ids in rows:
            if position == 0:
                query_ids[kind] = ids
            else:
                words[kind, position].append(word)
                categories[stem] = ids
        code_matches = frozenset(query_ids["code"])
        return cls(words, categories, positions, code_matches, query_ids.get("category"))

    def knows(self, token: QueryToken) -> bool:
        return ("exact", self._positions[token]) in self._words

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        return self._words.get(("prefix", self._positions[token]), ())

    def find_similar(self, token: QueryToken) -> Collection[str]:
        return self._words.get(("similar", self._positions[token]), ())

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        return sorted(
            {category_id for stem in stems for category_id in self._categories.get(stem, ())}
        )


def _joined_neighbours(token: QueryToken) -> str:
    return " ".join(deletion_neighbours(token.word)) if is_correctable(token.word) else ""
