"""`python -m bench.search_fuzz`: time odd searches, and fail if any of them is slow.

The searches are of many shapes that people and programs may send: beginnings of words, forty words,
typos, consonants, digits, pieces of SKUs. Each is listed by relevance, and some of them sorted or
filtered. A slow one is timed again, since other work on the machine may have slowed it down.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
from attrs import evolve, frozen

from bench import search
from bench.generate import BRANDS, COMMON_WORDS, KINDS, THINGS
from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product_query import SEARCH_VALIDATOR, ProductQuery, Sort
from eggypro_core.errors import UnavailableError
from eggypro_core.validation.fields import max_length

MAX_MILLISECONDS = 150.0
_MAX_SEARCH_LENGTH = max_length(SEARCH_VALIDATOR)
_REPETITIONS = 3
"""Repetitions of a slow search, of which the fastest counts."""
_SLOWEST_COUNT = 20
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CONSONANTS = "bcdfghjklmnpqrstvwxz"
_DIGITS = "0123456789"
_FILTERS = (
    {"sort": Sort.PRICE_ASC},
    {"sort": Sort.PRICE_DESC, "in_stock": True},
    {"sort": Sort.NEWEST},
    {"sort": Sort.NAME},
    {"in_stock": False},
    {"in_stock": True},
    {"min_price": 20, "max_price": 21},
    {"max_price": 90},
    {"sort": Sort.RATING, "min_price": 10},
    {"sort": Sort.PRICE_ASC, "in_stock": False},
)


@frozen
class _Words:
    """The words of the catalogue, and the dice that choose among them."""

    dice: random.Random
    rare: Sequence[str]

    def any(self) -> str:
        """Return a word of any frequency."""
        words = self.dice.choice((self.rare, COMMON_WORDS, BRANDS, KINDS, THINGS))
        return self.dice.choice(words).lower()

    def beginning(self, max_letters: int) -> str:
        """Return the first letters of a word."""
        return self.any()[: self.dice.randint(1, max_letters)]

    def typo(self) -> str:
        """Return a word with a typo."""
        return search.make_typo(self.dice, self.any() + "s")

    def letters(self, alphabet: str, max_letters: int) -> str:
        """Return a text of random letters of an alphabet."""
        return "".join(self.dice.choices(alphabet, k=self.dice.randint(1, max_letters)))

    def sku(self) -> str:
        """Return a piece of an SKU."""
        sku = f"SKU-{self.dice.randrange(1_000_000):07}"
        start = self.dice.randrange(len(sku) - 1)
        return sku[start : start + self.dice.randint(1, len(sku))].strip("-") or sku

    def mixed(self) -> str:
        """Return a word, a typo, the beginning of a word, or a piece of an SKU."""
        return self.dice.choice((self.any(), self.typo(), self.beginning(3), self.sku()))

    def several(self, max_words: int, make: Callable[[], str]) -> str:
        """Return up to `max_words` texts, separated by spaces."""
        return " ".join(make() for _ in range(self.dice.randint(1, max_words)))


_MAKERS: Sequence[Callable[[_Words], str]] = (
    lambda words: words.several(6, lambda: words.beginning(1)),
    lambda words: words.several(6, lambda: words.beginning(3)),
    lambda words: words.several(2, lambda: words.letters(_LETTERS, 3)),
    lambda words: words.several(40, lambda: words.beginning(4)),
    lambda words: " ".join(words.any() for _ in range(40)),
    lambda words: words.several(4, words.any),
    lambda words: words.several(16, words.typo),
    lambda words: words.several(3, words.typo),
    lambda words: words.several(5, lambda: words.letters(_CONSONANTS, 4)),
    lambda words: words.several(5, lambda: words.letters(_DIGITS, 3)),
    lambda words: words.several(3, words.sku),
    lambda words: words.several(8, lambda: words.letters(_LETTERS + _DIGITS, 2)),
    lambda words: words.several(8, words.mixed),
)


def make_queries(count: int, seed: int) -> Iterator[ProductQuery]:
    """Yield queries of all shapes in turn; every third one is sorted or filtered."""
    words = _Words(random.Random(seed), search.rare_words())
    for number in range(count):
        text = _MAKERS[number % len(_MAKERS)](words)[:_MAX_SEARCH_LENGTH].strip()
        query = ProductQuery(search=text, sort=Sort.RELEVANCE)
        yield query if number % 3 else evolve(query, **words.dice.choice(_FILTERS))


def main() -> int:
    options = _parse_options()
    with tempfile.TemporaryDirectory(prefix="eggypro-fuzz-") as folder:
        data = options.data or Path(folder) / "search"
        with attach(data, linger=1, settings=search.SETTINGS) as server:
            database = Database.connect(server.url)
            PostgresMigrations(database).upgrade()
            store = PostgresProductStore(database)
            if not store.list(ProductQuery(limit=1)).items:
                search.fill(store, options.products)
            with psycopg.connect(server.conninfo, autocommit=True) as connection:
                search.settle(connection)
            queries = list(make_queries(options.queries, options.seed))
            times = sorted(
                ((_milliseconds(store, query), query) for query in queries),
                key=lambda timed: timed[0],
                reverse=True,
            )
            database.close()
    return _report(times)


def _milliseconds(store: PostgresProductStore, query: ProductQuery) -> float:
    """Return the time of a search: that of the fastest repetition if the first one is slow."""
    first = _time(store, query)
    if first <= MAX_MILLISECONDS:
        return first
    return min(_time(store, query) for _ in range(_REPETITIONS))


def _time(store: PostgresProductStore, query: ProductQuery) -> float:
    start = time.perf_counter()
    try:
        store.list(query)
    except UnavailableError:  # cancelled by the statement timeout, which is slow enough
        return float("inf")
    return (time.perf_counter() - start) * 1e3


def _report(times: Sequence[tuple[float, ProductQuery]]) -> int:
    """Print the slowest searches and return the exit code."""
    milliseconds = [time for time, _ in times]
    print(f"{len(times):,} searches, p50 {milliseconds[len(times) // 2]:.1f} ms,", end=" ")
    print(f"p95 {milliseconds[len(times) // 20]:.1f} ms. The slowest:")
    for duration, query in times[:_SLOWEST_COUNT]:
        print(f"{duration:8.1f} ms  {_text_of(query)}")
    slow_count = sum(duration > MAX_MILLISECONDS for duration in milliseconds)
    if slow_count:
        print(f"{slow_count} searches take more than {MAX_MILLISECONDS:.0f} ms")
    return int(slow_count > 0)


def _text_of(query: ProductQuery) -> str:
    filters = {
        name: value
        for name in ("in_stock", "min_price", "max_price")
        if (value := getattr(query, name)) is not None
    }
    options = " ".join(f"{name}={value}" for name, value in filters.items())
    return f"{query.search!r} {query.sort} {options}".rstrip()


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search_fuzz",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, help="data folder of a catalogue, filled if empty")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
