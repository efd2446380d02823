"""Searches measured: how long each kind takes, and whether it finds what ranking all would."""

import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import psycopg
from attrs import evolve, frozen

from bench.generate import BRANDS, COMMON, KINDS, THINGS, products
from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.search.query import tokenize_query
from eggypro_core.search.text import stem
from eggypro_core.services.products import ProductService

SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "4GB"}
CLIENTS = 8
ASKED = 40
"""Searches of a kind that each client makes."""
_CHUNK = 50_000
_PREWARMED = (
    "product_search product_search_words_idx product_search_score_idx product_search_pkey"
    " product_search_sample_idx search_words products_pkey"
).split()


@frozen
class Kind:
    """A kind of search: its name, what makes one, and whether everything can be ranked for it."""

    name: str
    make: Callable[[random.Random, Sequence[str]], ProductQuery]
    is_ranked: bool = False


def _words(*makers: Callable[[random.Random, Sequence[str]], str]) -> Callable[..., ProductQuery]:
    return lambda dice, rare: ProductQuery(search=" ".join(make(dice, rare) for make in makers))


def _rare(dice: random.Random, rare: Sequence[str]) -> str:
    return dice.choice(rare)


def _of(words: Sequence[str]) -> Callable[[random.Random, Sequence[str]], str]:
    return lambda dice, _: dice.choice(words).lower()


def _begun(least: int, most: int) -> Callable[[random.Random, Sequence[str]], str]:
    return lambda dice, rare: dice.choice(rare)[: dice.randint(least, most)]


def typo(dice: random.Random, word: str) -> str:
    """Return a word with one slip: two letters swapped, one left out, put in or changed."""
    at, letter = dice.randrange(len(word) - 1), dice.choice("abcdefghij")
    return dice.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
        )
    )


def _with(kind: Callable[..., ProductQuery], **wishes: Any) -> Callable[..., ProductQuery]:
    return lambda dice, rare: evolve(kind(dice, rare), **wishes)


# Not "with" or "and": a search passes over those.
_common = _of([word for word in COMMON if len(tokenize_query(f"{word} x")) > 1])
_brand, _thing = _of(BRANDS), _of(THINGS)
KINDS_OF_SEARCH = (
    Kind("rare word", _words(_rare), is_ranked=True),
    Kind("word of names", _words(_brand), is_ranked=True),
    Kind("two words of names", _words(_brand, _thing), is_ranked=True),
    Kind("three words of names", _words(_brand, _of(KINDS), _thing), is_ranked=True),
    Kind("word of names and a rare one", _words(_brand, _rare), is_ranked=True),
    Kind("beginning, 3 to 5 letters", _words(_begun(3, 5))),
    Kind("beginning, 1 or 2 letters", _words(_begun(1, 2))),
    Kind("word of names and a letter", _words(_brand, _begun(1, 1))),
    Kind("typo", _words(lambda dice, rare: typo(dice, dice.choice(rare)))),
    Kind("SKU", _words(lambda dice, _: f"SKU-{dice.randrange(100_000):07}")),
    Kind("common word", _words(_common), is_ranked=True),
    Kind("two common words", _words(_common, _common), is_ranked=True),
    Kind("common and rare", _words(_common, _rare), is_ranked=True),
    Kind("two rare words", _words(_rare, _rare)),
    Kind("common word, sold out", _with(_words(_common), in_stock=False)),
    Kind("word of names by price", _with(_words(_brand), sort=Sort.PRICE_ASC)),
    Kind("rare word by price", _with(_words(_rare), sort=Sort.PRICE_ASC)),
)


def measured(folder: Path, numbers: Iterable[int]) -> Iterator[str]:
    """Give the lines of a report on catalogues of so many products."""
    for number in numbers:
        yield from _measured(folder, number)
        yield ""


def _measured(folder: Path, number: int) -> Iterator[str]:
    with attach(folder / f"search-{number}", linger=1, settings=SETTINGS) as server:
        database = Database.connect(server.url)
        PostgresMigrations(database).upgrade()
        store = PostgresProductStore(database)
        seconds = _filled(store, number)
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            _settle(connection)
            yield f"## Search among {number:,} products, {SETTINGS['shared_buffers']} of buffers"
            yield ""
            yield f"Imported at {number / seconds:,.0f} rows/s. {_sizes(connection)}"
            yield ""
            yield from _kinds(store, server.url, connection)
            yield ""
            yield from _more(store, connection)
        database.close()


def _filled(store: PostgresProductStore, number: int) -> float:
    catalog = ProductService(store, NhHtmlCleaner(), lambda: datetime.now(UTC))
    lines, made = count(2), products(number)
    began = time.monotonic()
    while chunk := list(islice(made, _CHUNK)):
        catalog.import_products(ImportEntry(next(lines), values) for values in chunk)
    return time.monotonic() - began


def _settle(connection: psycopg.Connection) -> None:
    connection.execute("VACUUM ANALYZE")
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    for name in _PREWARMED:
        connection.execute("SELECT pg_prewarm(%s)", [name])


def _sizes(connection: psycopg.Connection) -> str:
    sizes = connection.execute(
        "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class"
        " WHERE relname = ANY(%s) ORDER BY pg_relation_size(oid) DESC",
        [["product_search", "product_search_words_idx", "product_search_score_idx", "products"]],
    )
    return ", ".join(f"{name} {size}" for name, size in sizes) + "."


def _kinds(store: PostgresProductStore, url: str, connection: psycopg.Connection) -> Iterator[str]:
    many_clients = f"p95, {CLIENTS} clients flat out"
    yield f"| ms, finds counted too | p50 | p95 | {many_clients} | first 20 as if all were ranked |"
    yield "| --- | --- | --- | --- | --- |"
    rare = _rare_words()
    with get_context("spawn").Pool(CLIENTS) as pool:
        for place, kind in enumerate(KINDS_OF_SEARCH):
            one = _times(store, kind, rare, seed=place)
            jobs = [(url, place, rare, client) for client in range(CLIENTS)]
            many = [ms for times in pool.starmap(_client, jobs, chunksize=1) for ms in times]
            overlap = _overlap(store, connection, kind, rare) if kind.is_ranked else "-"
            yield (
                f"| {kind.name} | {statistics.median(one):.1f} | {_p95(one):.1f} |"
                f" {_p95(many):.1f} | {overlap} |"
            )


def _client(url: str, place: int, rare: Sequence[str], client: int) -> list[float]:
    database = Database.connect(url)
    store = PostgresProductStore(database)
    times = _times(store, KINDS_OF_SEARCH[place], rare, seed=100 + client)
    database.close()
    return times


def _times(store: PostgresProductStore, kind: Kind, rare: Sequence[str], seed: int) -> list[float]:
    dice = random.Random(seed)
    queries = [kind.make(dice, rare) for _ in range(ASKED)]
    for query in queries[:6]:  # until the statements are prepared
        store.list(query)
    times = []
    for query in queries:
        began = time.perf_counter()
        store.list(query)
        times.append((time.perf_counter() - began) * 1e3)
    return times


def _overlap(
    store: PostgresProductStore, connection: psycopg.Connection, kind: Kind, rare: Sequence[str]
) -> str:
    """Return how many of the first 20 are those of a ranking of everything."""
    dice = random.Random(5)
    same = wanted = 0
    for _ in range(8):
        query = kind.make(dice, rare)
        best = _ranked_whole(connection, list(dict.fromkeys(str(query.search).split())))
        found = [item.id for item in store.list(query).items]
        wanted += len(best)
        same += sum(one == other for one, other in zip(best, found, strict=False))
    return f"{same / wanted:.0%}" if wanted else "-"


def _ranked_whole(connection: psycopg.Connection, words: Sequence[str]) -> list[int]:
    """Return the best 20 of all that have the words, each row looked at."""

    def tier(fields: str, *, begun: bool) -> str:
        def one(word: str, is_last: bool) -> str:  # noqa: FBT001
            exact = [f"{field}{stem(word)}" for field in fields]
            longer = [f"{field}{word}:*" for field in fields] if begun and is_last else []
            return f"({'|'.join([*exact, *longer])})"

        return "&".join(one(word, word is words[-1]) for word in words)

    tiers = [tier("ABCD"[: n + 1], begun=begun) for n in range(4) for begun in (False, True)]
    cases = " ".join(f"WHEN words @@ '{each}' THEN {n}" for n, each in enumerate(tiers))
    rows = connection.execute(
        f"SELECT product_id FROM product_search WHERE words @@ '{tiers[-1]}' AND is_active"
        f" ORDER BY CASE {cases} END, score DESC, product_id DESC LIMIT 20"
    )
    return [row[0] for row in rows]


def _more(store: PostgresProductStore, connection: psycopg.Connection) -> Iterator[str]:
    dice, rare = random.Random(11), _rare_words()
    yield "| | p50, ms | p95, ms |"
    yield "| --- | --- | --- |"
    facets = {
        "facets of a rare word": (rare[0], False),
        "facets of a word of names": ("kestrel", True),
        "facets of a common word": ("protein", True),
    }
    for name, (word, many) in facets.items():
        yield _row(name, partial(store.get_facets, ProductQuery(search=word), allow_sample=many))
    lists = {"by relevance": ProductQuery(search="kestrel"), "by name": ProductQuery()}
    for name, query in lists.items():
        for page, following in enumerate(islice(_pages(store, query), 50), 1):
            if page in {1, 10, 50}:
                yield _row(f"page {page} {name}", partial(store.list, following))
    yield from _writes(store, connection)
    yield ""
    yield _typos(store, connection, dice)


def _typos(store: PostgresProductStore, connection: psycopg.Connection, dice: random.Random) -> str:
    """Look for products by brand and last word: as they are written, and with a typo.

    Among so many made up words most slips make another one: these are left out.
    """
    is_word = "SELECT FROM search_words WHERE word ^@ %s"
    meant = found = 0
    for values in products(600):
        brand, *_, last = str(values["name"]).lower().split()
        slips = (typo(dice, last) for _ in range(20))
        slip = next((one for one in slips if not connection.execute(is_word, [one]).rowcount), None)
        if slip and _is_found(store, f"{brand} {last}", values):
            meant += 1
            found += _is_found(store, f"{brand} {slip}", values)
    return f"Two words find {meant} of 600 products among the first 20; a typo {found} of these."


def _is_found(store: PostgresProductStore, search: str, values: dict[str, object]) -> bool:
    page = store.list(ProductQuery(search=search))
    return any(item.slug == values["slug"] for item in page.items)


def _rare_words() -> list[str]:
    return [str(one["name"]).split()[-1].lower() for one in products(2_000)]


def _writes(store: PostgresProductStore, connection: psycopg.Connection) -> Iterator[str]:
    """Give what writes cost that a search must notice, and the same rows written past it."""
    numbers = count(1)
    slug = next(iter(store.list(ProductQuery(limit=1)).items)).slug
    past = "UPDATE products SET {} = {}, version = version + 1 WHERE slug = %s"

    def renamed(product: Product) -> Product:
        return evolve(product, name=f"Renamed {next(numbers)}", version=product.version + 1)

    def repriced(product: Product) -> Product:
        price = product.price + Decimal("0.01")
        return evolve(product, price=price, version=product.version + 1)

    yield _row("a name changed", lambda: store.update(slug, renamed))
    yield _row("a price changed", lambda: store.update(slug, repriced))
    yield _row("stock set", lambda: store.set_stock(slug, next(numbers)))
    with connection.transaction():
        connection.execute("ALTER TABLE products DISABLE TRIGGER products_search")
    for column, value in (("name", "name || ' '"), ("price", "price + 0.01")):
        statement = past.format(column, value)
        yield _row(f"a {column}, by a bare UPDATE", lambda: connection.execute(statement, [slug]))  # noqa: B023
    connection.execute("ALTER TABLE products ENABLE TRIGGER products_search")


def _pages(store: PostgresProductStore, query: ProductQuery) -> Iterator[ProductQuery]:
    following: ProductQuery | None = query
    while following is not None:
        yield following
        following = store.list(following).next_query


def _row(name: str, call: Callable[[], object]) -> str:
    times = []
    for _ in range(30):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1e3)
    return f"| {name} | {statistics.median(times):.1f} | {_p95(times):.1f} |"


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
