"""What the words of a search may stand for, asked for in one round trip."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Self

from attrs import frozen

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_core.search.query import MAX_PREFIX_EXPANSIONS, QueryToken
from eggypro_core.search.text import deletion_neighbours, is_correctable

MAX_CATEGORY_IDS = 50
"""Up to how many categories, with those below, a search within one looks for by their ids."""

# `word > ...` and the highest character: what begins with a word, by an index in the order of
# code points.
_LOOK_UP = CompiledStatement(
    rf"""
WITH token AS (
  SELECT at, word, slips, is_last, stem,
    EXISTS (SELECT FROM search_words WHERE search_words.stem = token.stem) AS is_known
  FROM unnest(%(words)s::text[], %(stems)s::text[], %(slips)s::text[], %(lasts)s::boolean[])
    WITH ORDINALITY AS token (word, stem, slips, is_last, at)
), longer AS (
  SELECT at, found.word, found.stem FROM token CROSS JOIN LATERAL (
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
    ) AS either ORDER BY word LIMIT {MAX_PREFIX_EXPANSIONS + 1}
  ) AS found
  WHERE is_last OR NOT is_known
), slipped AS (
  SELECT at, found.word, found.stem FROM token CROSS JOIN LATERAL (
    SELECT word, stem FROM search_words
    WHERE search_words.slips && string_to_array(token.slips, ' ')
  ) AS found
  WHERE token.slips <> '' AND (
    %(forgiving)s::boolean
    OR NOT is_known AND NOT EXISTS (SELECT FROM longer WHERE longer.at = token.at))
), found AS (
  SELECT 'known' AS kind, at, word, stem FROM token WHERE is_known
  UNION ALL SELECT 'longer', * FROM longer
  UNION ALL SELECT 'slipped', * FROM slipped
)
SELECT kind, at, word, stem, ARRAY(
  SELECT id FROM categories WHERE categories.stems @> ARRAY[found.stem] AND is_visible ORDER BY id)
FROM found
UNION ALL
SELECT 'named', 0, '', '', ARRAY(SELECT product_id FROM skus WHERE sku = %(search)s::text)
UNION ALL
SELECT 'inside', 0, '', '', ARRAY(
  SELECT id FROM categories
  WHERE path @> ARRAY[%(category)s::text] AND is_visible LIMIT {MAX_CATEGORY_IDS + 1})
WHERE %(category)s::text IS NOT NULL
""",
    {},
)


@frozen
class PostgresVocabulary:
    """What Postgres knows of the words of a search; `named` has the SKU that was searched for.

    `inside` are the ids of the category that is searched in and those below it.
    """

    _words: Mapping[tuple[str, int], Sequence[str]]
    _categories: Mapping[str, Sequence[int]]
    _positions: Mapping[QueryToken, int]
    sku_match: int | None
    category_ids: Sequence[int] | None

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
        """Ask for all that the reading of a search needs."""
        values = {
            "words": [token.word for token in tokens],
            "stems": [token.stem for token in tokens],
            "slips": [_joined_neighbours(token) for token in tokens],
            "lasts": [token.is_last for token in tokens],
            "forgiving": fuzzy,
            "search": search,
            "category": category,
        }
        rows = database.fetch(_LOOK_UP, values)
        places = {token: at for at, token in enumerate(tokens, 1)}
        return cls._from_rows(rows, places)

    @classmethod
    def _from_rows(cls, rows: Sequence[tuple[Any, ...]], places: Mapping[QueryToken, int]) -> Self:
        words: dict[tuple[str, int], list[str]] = defaultdict(list)
        categories: dict[str, Sequence[int]] = {}
        alone: dict[str, Sequence[int]] = {}
        for kind, at, word, stem, ids in rows:
            if at == 0:
                alone[kind] = ids
            else:
                words[kind, at].append(word)
                categories[stem] = ids
        named = next(iter(alone["named"]), None)
        return cls(words, categories, places, named, alone.get("inside"))

    def knows(self, token: QueryToken) -> bool:
        return ("known", self._positions[token]) in self._words

    def find_by_prefix(self, token: QueryToken) -> Sequence[str]:
        return self._words.get(("longer", self._positions[token]), ())

    def find_similar(self, token: QueryToken) -> Collection[str]:
        return self._words.get(("slipped", self._positions[token]), ())

    def find_category_ids(self, stems: Collection[str]) -> Sequence[int]:
        return sorted({one for stem in stems for one in self._categories.get(stem, ())})


def _joined_neighbours(token: QueryToken) -> str:
    return " ".join(deletion_neighbours(token.word)) if is_correctable(token.word) else ""
