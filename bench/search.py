"""Benchmark of searches: time per kind, and agreement with a full ranking."""

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

from bench.generate import BRANDS, COMMON_WORDS, KINDS, THINGS, products
from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.product_query import SEARCH_VALIDATOR, ProductQuery, Sort
from eggypro_core.search.query import tokenize_query
from eggypro_core.search.text import stem
from eggypro_core.services.products import ProductService
from eggypro_core.validation.fields import max_length

SETTINGS = {"shared_buffers": "2GB", "max_wal_size": "4GB"}
CLIENTS = 8
SEARCHES_PER_CLIENT = 40
"""Searches of each kind per client."""
_MAX_SEARCH_LENGTH = max_length(SEARCH_VALIDATOR)
_IMPORT_CHUNK_SIZE = 50_000
_PREWARMED_RELATIONS = (
    "product_search product_search_words_idx product_search_score_idx product_search_pkey"
    " product_search_sample_idx search_words products_pkey"
).split()


@frozen
class Kind:
    """A kind of search: name, query factory, and whether a full ranking is feasible."""

    name: str
    make_query: Callable[[random.Random, Sequence[str]], ProductQuery]
    is_ranked: bool = False


def _words(*makers: Callable[[random.Random, Sequence[str]], str]) -> Callable[..., ProductQuery]:
    return lambda dice, rare: ProductQuery(search=" ".join(make(dice, rare) for make in makers))


def _rare(dice: random.Random, rare: Sequence[str]) -> str:
    return dice.choice(rare)


def _of(words: Sequence[str]) -> Callable[[random.Random, Sequence[str]], str]:
    return lambda dice, _: dice.choice(words).lower()


def _prefix(min_length: int, max_length: int) -> Callable[[random.Random, Sequence[str]], str]:
    return lambda dice, rare: dice.choice(rare)[: dice.randint(min_length, max_length)]


def _long(length: int) -> Callable[..., ProductQuery]:
    """Return a factory of searches as long as allowed, with word beginnings of this length."""

    def make_query(dice: random.Random, rare: Sequence[str]) -> ProductQuery:
        words = " ".join(word[:length] for word in dice.sample(rare, 100))
        return ProductQuery(search=words[:_MAX_SEARCH_LENGTH].strip())

    return make_query


def make_typo(dice: random.Random, word: str) -> str:
    """Return a word with one typo: letters swapped, or one omitted, inserted or replaced."""
    index, letter = dice.randrange(len(word) - 1), dice.choice("abcdefghij")
    return dice.choice(
        (
            word[:index] + word[index + 1] + word[index] + word[index + 2 :],
            word[:index] + word[index + 1 :],
            word[:index] + letter + word[index:],
            word[:index] + letter + word[index + 1 :],
        )
    )


def _with(kind: Callable[..., ProductQuery], **changes: Any) -> Callable[..., ProductQuery]:
    return lambda dice, rare: evolve(kind(dice, rare), **changes)


# Without stop words such as "with", which searches ignore.
_common = _of([word for word in COMMON_WORDS if len(tokenize_query(f"{word} x")) > 1])
_brand, _thing = _of(BRANDS), _of(THINGS)
KINDS_OF_SEARCH = (
    Kind("rare word", _words(_rare), is_ranked=True),
    Kind("word of names", _words(_brand), is_ranked=True),
    Kind("two words of names", _words(_brand, _thing), is_ranked=True),
    Kind("three words of names", _words(_brand, _of(KINDS), _thing), is_ranked=True),
    Kind("word of names and a rare one", _words(_brand, _rare), is_ranked=True),
    Kind("prefix, 3 to 5 letters", _words(_prefix(3, 5))),
    Kind("prefix, 1 or 2 letters", _words(_prefix(1, 2))),
    Kind("word of names and a letter", _words(_brand, _prefix(1, 1))),
    Kind("typo", _words(lambda dice, rare: make_typo(dice, dice.choice(rare)))),
    Kind("SKU", _words(lambda dice, _: f"SKU-{dice.randrange(100_000):07}")),
    Kind("common word", _words(_common), is_ranked=True),
    Kind("two common words", _words(_common, _common), is_ranked=True),
    Kind("common and rare", _words(_common, _rare), is_ranked=True),
    Kind("two rare words", _words(_rare, _rare)),
    Kind("common word, sold out", _with(_words(_common), in_stock=False)),
    Kind("word of names by price", _with(_words(_brand), sort=Sort.PRICE_ASC)),
    Kind("rare word by price", _with(_words(_rare), sort=Sort.PRICE_ASC)),
    Kind("200 characters of 2 letters", _long(2)),
    Kind("200 characters of 3 letters", _long(3)),
)


def measure(folder: Path, sizes: Iterable[int]) -> Iterator[str]:
    """Yield the lines of the report, for catalogues of each size."""
    for size in sizes:
        yield from _measure(folder, size)
        yield ""


def _measure(folder: Path, size: int) -> Iterator[str]:
    with attach(folder / f"search-{size}", linger=1, settings=SETTINGS) as server:
        database = Database.connect(server.url)
        PostgresMigrations(database).upgrade()
        store = PostgresProductStore(database)
        seconds = fill(store, size)
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            settle(connection)
            yield f"## Search among {size:,} products, {SETTINGS['shared_buffers']} of buffers"
            yield ""
            yield f"Imported at {size / seconds:,.0f} rows/s. {_relation_sizes(connection)}"
            yield ""
            yield from _kinds(store, server.url, connection)
            yield ""
            yield from _other_operations(store, connection)
        database.close()


def fill(store: PostgresProductStore, size: int) -> float:
    """Import generated products and return the seconds it took."""
    service = ProductService(store, NhHtmlCleaner(), lambda: datetime.now(UTC))
    lines, rows = count(2), products(size)
    start = time.monotonic()
    while chunk := list(islice(rows, _IMPORT_CHUNK_SIZE)):
        service.import_products(ImportEntry(next(lines), values) for values in chunk)
    return time.monotonic() - start


def settle(connection: psycopg.Connection) -> None:
    """Vacuum and analyze the catalogue, and load its search index into memory."""
    connection.execute("VACUUM ANALYZE")
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    for name in _PREWARMED_RELATIONS:
        connection.execute("SELECT pg_prewarm(%s)", [name])


def _relation_sizes(connection: psycopg.Connection) -> str:
    sizes = connection.execute(
        "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class"
        " WHERE relname = ANY(%s) ORDER BY pg_relation_size(oid) DESC",
        [["product_search", "product_search_words_idx", "product_search_score_idx", "products"]],
    )
    return ", ".join(f"{name} {size}" for name, size in sizes) + "."


def _kinds(store: PostgresProductStore, url: str, connection: psycopg.Connection) -> Iterator[str]:
    concurrent = f"p95, {CLIENTS} concurrent clients"
    yield f"| ms, with total | p50 | p95 | {concurrent} | first 20 equal to a full ranking |"
    yield "| --- | --- | --- | --- | --- |"
    rare = rare_words()
    with get_context("spawn").Pool(CLIENTS) as pool:
        for index, kind in enumerate(KINDS_OF_SEARCH):
            single = _times(store, kind, rare, seed=index)
            jobs = [(url, index, rare, client) for client in range(CLIENTS)]
            concurrent_times = [
                ms for times in pool.starmap(_client, jobs, chunksize=1) for ms in times
            ]
            overlap = _overlap(store, connection, kind, rare) if kind.is_ranked else "-"
            yield (
                f"| {kind.name} | {statistics.median(single):.1f} | {_p95(single):.1f} |"
                f" {_p95(concurrent_times):.1f} | {overlap} |"
            )


def _client(url: str, index: int, rare: Sequence[str], client: int) -> list[float]:
    database = Database.connect(url)
    store = PostgresProductStore(database)
    times = _times(store, KINDS_OF_SEARCH[index], rare, seed=100 + client)
    database.close()
    return times


def _times(store: PostgresProductStore, kind: Kind, rare: Sequence[str], seed: int) -> list[float]:
    dice = random.Random(seed)
    queries = [kind.make_query(dice, rare) for _ in range(SEARCHES_PER_CLIENT)]
    for query in queries[:6]:  # until the statements are prepared
        store.list(query)
    times = []
    for query in queries:
        start = time.perf_counter()
        store.list(query)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def _overlap(
    store: PostgresProductStore, connection: psycopg.Connection, kind: Kind, rare: Sequence[str]
) -> str:
    """Return the ratio of the first 20 results that equal those of a full ranking."""
    dice = random.Random(5)
    same = total = 0
    for _ in range(8):
        query = kind.make_query(dice, rare)
        best = _rank_all(connection, list(dict.fromkeys(str(query.search).split())))
        results = [item.id for item in store.list(query).items]
        total += len(best)
        same += sum(id_ == result for id_, result in zip(best, results, strict=False))
    return f"{same / total:.0%}" if total else "-"


def _rank_all(connection: psycopg.Connection, words: Sequence[str]) -> list[int]:
    """Return the best 20 ids of all rows that contain the words, by a sequential ranking."""

    def tier(fields: str, *, prefix: bool) -> str:
        def word_query(word: str, is_last: bool) -> str:  # noqa: FBT001
            exact = [f"{field}{stem(word)}" for field in fields]
            longer = [f"{field}{word}:*" for field in fields] if prefix and is_last else []
            return f"({'|'.join([*exact, *longer])})"

        return "&".join(word_query(word, word is words[-1]) for word in words)

    tiers = [tier("ABCD"[: n + 1], prefix=prefix) for n in range(4) for prefix in (False, True)]
    cases = " ".join(f"WHEN words @@ '{query}' THEN {n}" for n, query in enumerate(tiers))
    rows = connection.execute(
        f"SELECT product_id FROM product_search WHERE words @@ '{tiers[-1]}' AND is_active"
        f" ORDER BY CASE {cases} END, score DESC, product_id DESC LIMIT 20"
    )
    return [row[0] for row in rows]


def _other_operations(store: PostgresProductStore, connection: psycopg.Connection) -> Iterator[str]:
    dice, rare = random.Random(11), rare_words()
    yield "| | p50, ms | p95, ms |"
    yield "| --- | --- | --- |"
    facets = {
        "facets of a rare word": (rare[0], False),
        "facets of a word of names": ("kestrel", True),
        "facets of a common word": ("protein", True),
    }
    for name, (word, allow_sample) in facets.items():
        yield _row(
            name, partial(store.get_facets, ProductQuery(search=word), allow_sample=allow_sample)
        )
    lists = {"by relevance": ProductQuery(search="kestrel"), "by name": ProductQuery()}
    for name, query in lists.items():
        for page, next_query in enumerate(islice(_page_queries(store, query), 50), 1):
            if page in {1, 10, 50}:
                yield _row(f"page {page} {name}", partial(store.list, next_query))
    yield from _writes(store, connection)
    yield ""
    yield _typo_recall(store, connection, dice)


def _typo_recall(
    store: PostgresProductStore, connection: psycopg.Connection, dice: random.Random
) -> str:
    """Search products by brand and last word, as written and with a typo.

    Typos that produce another generated word are skipped.
    """
    is_word = "SELECT FROM search_words WHERE word ^@ %s"
    exact = corrected = 0
    for values in products(600):
        brand, *_, last = str(values["name"]).lower().split()
        typos = (make_typo(dice, last) for _ in range(20))
        typo = next(
            (word for word in typos if not connection.execute(is_word, [word]).rowcount), None
        )
        if typo and _is_listed(store, f"{brand} {last}", values):
            exact += 1
            corrected += _is_listed(store, f"{brand} {typo}", values)
    return (
        f"{exact} of 600 products are among the first 20 results of two of their words;"
        f" {corrected} of these also with a typo."
    )


def _is_listed(store: PostgresProductStore, search: str, values: dict[str, object]) -> bool:
    page = store.list(ProductQuery(search=search))
    return any(item.slug == values["slug"] for item in page.items)


def rare_words() -> list[str]:
    """Return rare words of the generated products."""
    return [str(product["name"]).split()[-1].lower() for product in products(2_000)]


def _writes(store: PostgresProductStore, connection: psycopg.Connection) -> Iterator[str]:
    """Yield the cost of writes that update the index, and of the same updates without it."""
    numbers = count(1)
    slug = next(iter(store.list(ProductQuery(limit=1)).items)).slug
    update_sql = "UPDATE products SET {} = {}, version = version + 1 WHERE slug = %s"

    def rename(product: Product) -> Product:
        return evolve(product, name=f"Renamed {next(numbers)}", version=product.version + 1)

    def raise_price(product: Product) -> Product:
        price = product.price + Decimal("0.01")
        return evolve(product, price=price, version=product.version + 1)

    yield _row("name update", lambda: store.update(slug, rename))
    yield _row("price update", lambda: store.update(slug, raise_price))
    yield _row("stock update", lambda: store.set_stock(slug, next(numbers)))
    with connection.transaction():
        connection.execute("ALTER TABLE products DISABLE TRIGGER products_search")
    for column, value in (("name", "name || ' '"), ("price", "price + 0.01")):
        statement = update_sql.format(column, value)
        yield _row(f"{column}, plain UPDATE", lambda: connection.execute(statement, [slug]))  # noqa: B023
    connection.execute("ALTER TABLE products ENABLE TRIGGER products_search")


def _page_queries(store: PostgresProductStore, query: ProductQuery) -> Iterator[ProductQuery]:
    next_query: ProductQuery | None = query
    while next_query is not None:
        yield next_query
        next_query = store.list(next_query).next_query


def _row(name: str, action: Callable[[], object]) -> str:
    times = []
    for _ in range(30):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1e3)
    return f"| {name} | {statistics.median(times):.1f} | {_p95(times):.1f} |"


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)]
