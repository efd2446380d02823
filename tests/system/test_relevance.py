"""How good searches are, as shoppers would judge them: a table to read, and floors that hold."""

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
"""A line each: the kind of a search, the search, and the products any of which should be first."""
LEAST_RANK = 0.97
"""The least mean of 1 / rank of the first right product. It was 0.99 when this was written."""
LEAST_RECALL = 0.95
"""The least part of the right products among as many of the first."""
LEAST_CORRECTED = 0.98
"""The least part of slips whose word is in a name among the first 20. It was above 0.99."""
TYPOS = 300


@frozen
class Judged:
    """A search, what it should find, and what it found."""

    kind: str
    search: str
    wanted: Sequence[str]
    found: Sequence[str]

    @property
    def rank(self) -> int | None:
        """The place of the first right product, from 1."""
        places = (at for at, slug in enumerate(self.found, 1) if slug in self.wanted)
        return next(places, None)

    @property
    def reciprocal(self) -> float:
        return 1 / self.rank if self.rank else 0.0

    @property
    def recall(self) -> float:
        """The part of the right products that is among as many of the first."""
        return len(set(self.found[: len(self.wanted)]) & set(self.wanted)) / len(self.wanted)

    def __str__(self) -> str:
        first = self.found[0] if self.found else "nothing"
        rank = self.rank or "-"
        return f"{self.kind:10}  {self.search:28} {rank!s:>4}  {self.recall:6.2f}  {first}"


@frozen
class Shops:
    """The same shop in memory and in Postgres."""

    memory: Shop
    postgres: Shop

    def found(self, search: str) -> list[str]:
        """The slugs of the first page of a search, which is the same in both."""
        query = ProductQuery(search=search)
        first, second = (
            [product.slug for product in shop.products.list(query).items]
            for shop in (self.memory, self.postgres)
        )
        assert first == second, search
        return first

    def names(self) -> dict[str, str]:
        """The name of each product on sale, by slug."""
        page = self.memory.products.list(ProductQuery(limit=100))
        assert page.next_query is None
        return {product.slug: product.name for product in page.items}


@pytest.fixture
def shops(database: Database) -> Shops:
    categories = PostgresCategoryStore(database)
    made = Shops(make_shop(), make_shop(PostgresProductStore(database), categories=categories))
    fill(made.memory)
    fill(made.postgres)
    return made


def fill(shop: Shop) -> None:
    """Sell both catalogues."""
    slugs: dict[str, str] = {}
    for product in products():
        names = product.pop("categories", [])
        for name in names:
            slugs[name] = slugs.get(name) or shop.categories.create({"name": name}).slug
        shop.products.create(product | {"categories": [slugs[name] for name in names]})


def products() -> Iterator[dict[str, Any]]:
    for line in (DEMO + SUNDRIES).splitlines():
        yield {"details": "", **json.loads(line)}


def judged() -> Iterator[tuple[str, str, Sequence[str]]]:
    """The kind, the search and the wanted slugs of each line of the table."""
    for line in JUDGED.splitlines():
        kind, search, wanted = line.split("|")
        yield kind.strip(), search.strip(), wanted.split()


def means(rows: Sequence[Judged]) -> tuple[float, float]:
    """The mean reciprocal rank and the mean recall."""
    ranks, recalls = (row.reciprocal for row in rows), (row.recall for row in rows)
    return sum(ranks) / len(rows), sum(recalls) / len(rows)


def summary(rows: Sequence[Judged]) -> str:
    rank, recall = means(rows)
    return f"{len(rows):3} searches   MRR {rank:.3f}   recall {recall:.3f}"


def show(*lines: str) -> None:
    """Print what pytest shows with -s, or where a test fails."""
    print("", *lines, sep="\n")  # noqa: T201  (a table for people)


def test_judged_searches_show_first_what_is_wanted(shops: Shops) -> None:
    rows = [Judged(*one, shops.found(one[1])) for one in judged()]
    assert {slug for one in rows for slug in one.wanted} <= shops.names().keys()
    by_kind = defaultdict(list)
    for one in rows:
        by_kind[one.kind].append(one)
    show(
        f"{'kind':10}  {'search':28} rank  recall  first",
        *map(str, rows),
        *(f"{kind:10}  {summary(some)}" for kind, some in by_kind.items()),
        summary(rows),
    )
    rank, recall = means(rows)
    assert rank >= LEAST_RANK
    assert recall >= LEAST_RECALL


def test_slips_in_words_of_names_are_corrected(shops: Shops) -> None:
    names = {slug: set(tokenize(name)) for slug, name in shops.names().items()}
    words = sorted({word for name in names.values() for word in name if len(word) > 3})
    draw = random.Random(2026)  # noqa: S311  (the same slips each time)
    missed = []
    for _ in range(TYPOS):
        word = draw.choice(words)
        kind, typo = slip(word, draw)
        shown = shops.found(typo)
        if not any(word in names[slug] for slug in shown):
            missed.append(f"{kind:10}  {word:15} {typo:16} {shown[:2]}")
    show(f"{len(words)} words, {TYPOS} slips, {len(missed)} missed", *missed)
    assert 1 - len(missed) / TYPOS >= LEAST_CORRECTED


def slip(word: str, draw: random.Random) -> tuple[str, str]:
    """A word with one slip, and its kind."""
    at = draw.randrange(len(word) - 1)
    new = draw.choice(ascii_lowercase)
    ways = {
        "left out": word[:at] + word[at + 1 :],
        "put in": word[:at] + new + word[at:],
        "changed": word[:at] + new + word[at + 1 :],
        "swapped": word[:at] + word[at + 1] + word[at] + word[at + 2 :],
    }
    return draw.choice(list(ways.items()))
