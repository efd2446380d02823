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
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.app import EggyPro
from eggypro_core.queries import ProductQuery
from eggypro_core.words import words_of
from tests.builders import an_eggypro
from tests.relevance.judged import JUDGED

DEMO = files("eggypro_adapters").joinpath("demo.jsonl").read_text("utf-8")
SUNDRIES = Path(__file__).with_name("relevance").joinpath("sundries.jsonl").read_text("utf-8")
LEAST_RANK = 0.95
"""The least mean of 1 / rank of the first right product. It was XXX when this was written."""
LEAST_RECALL = 0.95
"""The least part of the right products among as many of the first."""
LEAST_CORRECTED = 0.97
"""The least part of typos whose word is found among the first 20. It was XXX."""
TYPOS = 400


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


@pytest.fixture(params=["memory", "postgres"])
def shop(request: pytest.FixtureRequest) -> EggyPro:
    if request.param == "memory":
        made = an_eggypro()
    else:
        database: Database = request.getfixturevalue("database")
        categories = PostgresCategoryStore(database)
        made = an_eggypro(PostgresProductStore(database), categories=categories)
    fill(made)
    return made


def fill(shop: EggyPro) -> None:
    """Sell both catalogues."""
    slugs: dict[str, str] = {}
    for product in products():
        names = product.pop("categories", [])
        for name in names:
            slugs[name] = slugs.get(name) or shop.taxonomy.add({"name": name}).slug
        shop.catalog.add(product | {"categories": [slugs[name] for name in names]})


def products() -> Iterator[dict[str, Any]]:
    for line in (DEMO + SUNDRIES).splitlines():
        yield {"details": "", **json.loads(line)}


def judged() -> Iterator[tuple[str, str, Sequence[str]]]:
    """The kind, the search and the wanted slugs of each line of the table."""
    for line in JUDGED.strip().splitlines():
        kind, search, wanted = line.split("|")
        yield kind.strip(), search.strip(), wanted.split()


def found(shop: EggyPro, search: str) -> list[str]:
    page = shop.catalog.page(ProductQuery(search=search))
    return [product.slug for product in page.items]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def test_judged_searches_show_first_what_is_wanted(shop: EggyPro) -> None:
    each = [
        Judged(kind, search, wanted, found(shop, search)) for kind, search, wanted in judged()
    ]
    unknown = {slug for one in each for slug in one.wanted} - set(slugs_of(shop))
    assert not unknown
    rows = [one for one in each if one.wanted]
    print(f"\n{'kind':10}  {'search':28} rank  recall  first")
    for one in rows:
        print(one)
    by_kind = defaultdict(list)
    for one in rows:
        by_kind[one.kind].append(one)
    for kind, some in [*by_kind.items(), ("all", rows)]:
        rank, recall = mean([one.reciprocal for one in some]), mean([one.recall for one in some])
        print(f"{kind:10}  {len(some):3} searches   MRR {rank:.3f}   recall {recall:.3f}")
    assert rank >= LEAST_RANK
    assert recall >= LEAST_RECALL
    for one in each:
        if not one.wanted:
            print("nothing right is known to be found:", one.search, one.found)


def test_slips_in_words_of_names_are_corrected(shop: EggyPro) -> None:
    names = {product.slug: set(words_of(product.name)) for product in every(shop)}
    words = sorted({word for name in names.values() for word in name if len(word) > 3})
    draw = random.Random(2026)
    missed = []
    for _ in range(TYPOS):
        word = draw.choice(words)
        kind, typo = slip(word, draw)
        shown = found(shop, typo)
        if not any(word in names[slug] for slug in shown):
            missed.append(f"{kind:10}  {word:15} {typo:16} {shown[:2]}")
    print(f"\n{len(words)} words, {TYPOS} slips, {len(missed)} missed", *missed, sep="\n")
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


def slugs_of(shop: EggyPro) -> list[str]:
    return [product.slug for product in every(shop)]


def every(shop: EggyPro) -> Sequence[Any]:
    return shop.catalog.page(ProductQuery(limit=100)).items
