"""Share of reads that come from the cache while products are sold: `python -m bench.sales`.

One thread sells a random product `--sales` times a second. Another one reads `--reads` times a
second, each kind of page in turn.
"""

import argparse
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from itertools import cycle
from pathlib import Path

from bench.servers import start_eggypro
from bench.shop import ADMIN_KEY, BenchShop, open_shop

WARM_UP_SECONDS = 3.0
PAGES = {
    "list by name": [f"?offset={offset}" for offset in range(0, 100, 20)],
    "list by price": [f"?sort=price-asc&offset={offset}" for offset in range(0, 100, 20)],
    "newest": ["?sort=newest", "?sort=newest&limit=100"],
    "in stock, by price": ["?in_stock=true&sort=price-asc", "?in_stock=true&sort=price-desc"],
    "price range": ["?min_price=10&max_price=20", "?max_price=5"],
    "with facets": ["?facets=true", "?max_price=5&facets=true"],
    "search": ["/search?q=powder", "/search?q=creamy%20bites", "/suggest?q=omel"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--sales", type=float, default=50)
    parser.add_argument("--reads", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eggypro-sales-") as folder, ExitStack() as stack:
        shop = stack.enter_context(open_shop(Path(folder), options.products))
        server = start_eggypro(stack, shop)
        for line in _measure(shop, server.port, options):
            print(line)


def _check(connection: HTTPConnection, path: str, statuses: Collection[int]) -> HTTPResponse:
    """Read and return the response to a request. Raises SystemExit for another status."""
    response = connection.getresponse()
    response.read()
    if response.status not in statuses:
        raise SystemExit(f"{path}: {response.status}")
    return response


def _measure(shop: BenchShop, port: int, options: argparse.Namespace) -> Iterator[str]:
    slugs = shop.all_slugs()
    end = time.monotonic() + WARM_UP_SECONDS + options.seconds
    dice = random.Random(3)

    def sell(connection: HTTPConnection) -> None:
        path = f"/api/products/{dice.choice(slugs)}/stock"
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        connection.request("POST", path, json.dumps({"delta": -1}), headers)
        _check(connection, path, {200, 409})  # 409: sold out

    counts: Mapping[str, Counter[str]] = defaultdict(Counter)
    pages = cycle([(name, page) for name, group in PAGES.items() for page in group])

    def read(connection: HTTPConnection) -> None:
        name, page = next(pages)
        path = f"/api/products{page}"
        connection.request("GET", path)
        response = _check(connection, path, {200})
        if end - time.monotonic() < options.seconds:
            counts[name][response.headers["x-cache"]] += 1

    with ThreadPoolExecutor(2) as threads:
        seller = threads.submit(_repeat, sell, options.sales, port, end)
        reader = threads.submit(_repeat, read, options.reads, port, end)
        sold = seller.result() / (WARM_UP_SECONDS + options.seconds)
        reader.result()
    yield f"{options.products} products, {sold:.0f} sold per second, {options.reads:.0f} reads"
    for name, statuses in [*counts.items(), ("all", sum(counts.values(), Counter[str]()))]:
        yield f"{name:20} {statuses['hit'] / statuses.total():6.1%} of {statuses.total()}"


def _repeat(
    work: Callable[[HTTPConnection], None], per_second: float, port: int, end: float
) -> int:
    """Call `work` at a steady rate until `end`; return how often."""
    connection, count, next_at = HTTPConnection("127.0.0.1", port), 0, time.monotonic()
    while next_at < end:
        time.sleep(max(0, next_at - time.monotonic()))
        work(connection)
        count += 1
        next_at = max(next_at + 1 / per_second, time.monotonic() - 1)
    return count


if __name__ == "__main__":
    main()
