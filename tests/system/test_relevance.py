"""Search quality by judged searches: a table of results, and minimum scores."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
from attrs import frozen

from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.search.text import tokenize
from eggypro_core.shop import Shop
from tests.support.builders import make_shop

DEMO = files("eggypro_adapters").joinpath("demo.jsonl").read_text("utf-8")
TABLES = Path(__file__).parents[1] / "relevance"
SUNDRIES = (TABLES / "sundries.jsonl").read_text("utf-8")
JUDGED = (TABLES / "judged.txt").read_text("utf-8")
"""Per line: the kind of a search, the search, and the slugs of the relevant products."""
MIN_MRR = 0.97
"""Minimum mean reciprocal rank of the first relevant product. It was 0.99 when written."""
MIN_RECALL = 0.95
"""Minimum mean recall: relevant products among the first results, as many as are relevant."""
MIN_CORRECTED_RATIO = 0.98
"""Minimum ratio of typos whose word is in a name on the first page. It was above 0.99."""
TYPO_COUNT = 300


@frozen
class JudgedSearch:
    """A search with its relevant products and its results, as slugs."""

    kind: str
    search: str
    relevant: Sequence[str]
    results: Sequence[str]

    @property
    def rank(self) -> int | None:
        """The rank of the first relevant product, from 1."""
        ranks = (rank for rank, slug in enumerate(self.results, 1) if slug in self.relevant)
        return next(ranks, None)

    @property
    def reciprocal(self) -> float:
        return 1 / self.rank if self.rank else 0.0

    @property
    def recall(self) -> float:
        """The ratio of relevant products among the first results, as many as are relevant."""
        best = set(self.results[: len(self.relevant)])
        return len(best & set(self.relevant)) / len(self.relevant)

    def __str__(self) -> str:
        first = self.results[0] if self.results else "nothing"
        rank = self.rank or "-"
        return f"{self.kind:10}  {self.search:28} {rank!s:>4}  {self.recall:6.2f}  {first}"


@frozen
class Shops:
    """The same shop in memory and in Postgres."""

    memory: Shop
    postgres: Shop

    def search_slugs(self, search: str) -> list[str]:
        """Return the slugs of the first page of a search; both shops must agree."""
        query = ProductQuery(search=search)
        first, second = (
            [product.slug for product in shop.products.list(query).items]
            for shop in (self.memory, self.postgres)
        )
        assert first == second, search
        return first

    def names(self) -> dict[str, str]:
        """Return the names of all active products by slug."""
        page = self.memory.products.list(ProductQuery(limit=100))
        assert page.next_query is None
        return {product.slug: product.name for product in page.items}


@pytest.fixture
def shops(database: Database) -> Shops:
    categories = PostgresCategoryStore(database)
    shops = Shops(make_shop(), make_shop(PostgresProductStore(database), categories=categories))
    fill(shops.memory)
    fill(shops.postgres)
    return shops


def fill(shop: Shop) -> None:
    """Create the products of both catalogues."""
    slugs: dict[str, str] = {}
    for product in products():
        names = product.pop("categories", [])
        for name in names:
            slugs[name] = slugs.get(name) or shop.categories.create({"name": name}).slug
        shop.products.create(product | {"categories": [slugs[name] for name in names]})


def products() -> Iterator[dict[str, Any]]:
    for line in (DEMO + SUNDRIES).splitlines():
        yield {"details": "", **json.loads(line)}


def judged_searches() -> Iterator[tuple[str, str, Sequence[str]]]:
    """Yield kind, search and relevant slugs of each line of the table."""
    for line in JUDGED.splitlines():
        kind, search, relevant = line.split("|")
        yield kind.strip(), search.strip(), relevant.split()


def means(rows: Sequence[JudgedSearch]) -> tuple[float, float]:
    """Return the mean reciprocal rank and the mean recall."""
    ranks, recalls = (row.reciprocal for row in rows), (row.recall for row in rows)
    return sum(ranks) / len(rows), sum(recalls) / len(rows)


def summary(rows: Sequence[JudgedSearch]) -> str:
    rank, recall = means(rows)
    return f"{len(rows):3} searches   MRR {rank:.3f}   recall {recall:.3f}"


def print_lines(*lines: str) -> None:
    """Print lines that pytest shows with -s or on failure."""
    print("", *lines, sep="\n")  # noqa: T201  (a table for people)


def test_judged_searches_rank_relevant_products_first(shops: Shops) -> None:
    rows = [
        JudgedSearch(kind, search, relevant, shops.search_slugs(search))
        for kind, search, relevant in judged_searches()
    ]
    assert {slug for row in rows for slug in row.relevant} <= shops.names().keys()
    by_kind = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    print_lines(
        f"{'kind':10}  {'search':28} rank  recall  first",
        *map(str, rows),
        *(f"{kind:10}  {summary(group)}" for kind, group in by_kind.items()),
        summary(rows),
    )
    rank, recall = means(rows)
    assert rank >= MIN_MRR
    assert recall >= MIN_RECALL


def test_typos_in_product_names_are_corrected(shops: Shops) -> None:
    names = {slug: set(tokenize(name)) for slug, name in shops.names().items()}
    words = sorted({word for name in names.values() for word in name if len(word) > 3})
    draw = random.Random(2026)  # noqa: S311  (the same typos each time)
    missed = []
    for _ in range(TYPO_COUNT):
        word = draw.choice(words)
        kind, typo = make_typo(word, draw)
        results = shops.search_slugs(typo)
        if not any(word in names[slug] for slug in results):
            missed.append(f"{kind:10}  {word:15} {typo:16} {results[:2]}")
    print_lines(f"{len(words)} words, {TYPO_COUNT} typos, {len(missed)} missed", *missed)
    assert 1 - len(missed) / TYPO_COUNT >= MIN_CORRECTED_RATIO


def make_typo(word: str, draw: random.Random) -> tuple[str, str]:
    """Return the kind of a typo, and the word with it."""
    index = draw.randrange(len(word) - 1)
    letter = draw.choice(ascii_lowercase)
    typos = {
        "omitted": word[:index] + word[index + 1 :],
        "inserted": word[:index] + letter + word[index:],
        "replaced": word[:index] + letter + word[index + 1 :],
        "swapped": word[:index] + word[index + 1] + word[index] + word[index + 2 :],
    }
    return draw.choice(list(typos.items()))
