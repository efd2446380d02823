"""Benchmark of writes: a PATCH of a price and of a name, beside the peers and plain psycopg."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from typing import Self

import psycopg
from attrs import define, frozen

from bench.comparison import Candidate, Comparison, Group
from bench.generate import BRANDS, KINDS, THINGS, products
from bench.load import Result, patch_request
from bench.peers import NEXT, Peer, start_peers
from bench.processes import Server
from bench.servers import start_eggypro
from bench.shop import ADMIN_KEY, BenchShop

_CHANGES_PER_PRODUCT = 5
_LOCK = "SELECT * FROM products WHERE slug = %s FOR UPDATE"
_UPDATE = "UPDATE products SET {} = %s, version = version + 1, updated_at = now() WHERE slug = %s"
_SELECT_WORDS = """
    SELECT slug, words::text FROM product_search JOIN products ON id = product_id
    WHERE slug = ANY(%s)
"""
_UPDATE_WORDS = """
    UPDATE product_search SET words = %s::tsvector
    WHERE product_id = (SELECT id FROM products WHERE slug = %s)
"""


@frozen
class Change:
    """A new value of a field of a product."""

    slug: str
    field: str
    value: str


ChangeFactory = Callable[[str], list[Change]]
"""Returns the changes that a candidate makes; each candidate writes other values."""


def compare_writes(
    stack: ExitStack, shop: BenchShop, peers: Sequence[Peer]
) -> tuple[list[Comparison], list[int]]:
    """Return the comparisons of writes, and the main processes of the stores that they use."""
    servers = {
        "EggyPro": start_eggypro(stack, shop),
        **start_peers(stack, [peer for peer in peers if peer.name != NEXT], shop),
    }
    connection = stack.enter_context(psycopg.connect(shop.conninfo, autocommit=True))
    connection.prepare_threshold = 0
    comparisons = [
        _compare("PATCH of a price", partial(price_changes, shop.slugs), servers, connection),
        _compare("PATCH of a name", partial(name_changes, shop.slugs), servers, connection),
    ]
    return comparisons, [shop.postmaster]


def price_changes(slugs: Sequence[str], seed: str) -> list[Change]:
    """Return several changes of the price of each product."""
    dice = random.Random(seed)
    return [
        Change(slug, "price", f"{dice.randint(100, 99_999) / 100:.2f}")
        for _ in range(_CHANGES_PER_PRODUCT)
        for slug in slugs
    ]


def name_changes(slugs: Sequence[str], seed: str) -> list[Change]:
    """Return several changes of the name of each product, all of words that the shop knows."""
    dice = random.Random(seed)
    rare = [str(product["name"]).split()[-1] for product in products(2_000)]
    return [
        Change(slug, "name", " ".join(map(dice.choice, (BRANDS, KINDS, THINGS, rare))))
        for _ in range(_CHANGES_PER_PRODUCT)
        for slug in slugs
    ]


def _compare(
    title: str,
    changes: ChangeFactory,
    servers: Mapping[str, Server],
    connection: psycopg.Connection,
) -> Comparison:
    raw = Candidate("raw psycopg", _RawWriter.of(connection, changes("raw")).run, time.process_time)
    own, *peers = (
        Candidate.of_server(name, server, list(map(_request, changes(name))), clients=1)
        for name, server in servers.items()
    )
    return Comparison(raw, [Group(title, [own], peers)])


def _request(change: Change) -> bytes:
    body = json.dumps({change.field: change.value}).encode()
    return patch_request(f"/api/products/{change.slug}", body, ADMIN_KEY)


@define
class _RawWriter:
    """Makes changes by the fewest statements: a lock, an update, and the words of a new name."""

    _connection: psycopg.Connection
    _changes: Iterator[Change]
    _words: Mapping[str, str]
    """The words of each product in the search index, by slug."""

    @classmethod
    def of(cls, connection: psycopg.Connection, changes: Sequence[Change]) -> Self:
        slugs = list({change.slug for change in changes})
        words = connection.execute(_SELECT_WORDS, [slugs]).fetchall()
        return cls(connection, cycle(changes), dict(words))

    def run(self, seconds: float) -> Result:
        """Make changes one after the other for a number of seconds."""
        latencies = []
        start = now = time.perf_counter()
        while now < start + seconds:
            earlier = now
            self._write(next(self._changes))
            now = time.perf_counter()
            latencies.append(now - earlier)
        return Result(now - start, latencies)

    def _write(self, change: Change) -> None:
        with self._connection.transaction():
            self._connection.execute(_LOCK, [change.slug])
            self._connection.execute(_UPDATE.format(change.field), [change.value, change.slug])
            if change.field == "name":
                new_word = f"A{change.value.split()[-1].lower()}"
                words = f"{self._words[change.slug]} '{new_word}'"
                self._connection.execute(_UPDATE_WORDS, [words, change.slug])
