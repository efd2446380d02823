"""`make bench`: measures, prints tables and writes them to bench/results, a file for each part.

Candidates are measured in turn, several rounds in one window; medians are told. Processor time per
request (of the server with all below it, plus Postgres) comes first, since it is steadier than
requests per second. The machine's other work still shows: compare within one run only.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen

import psycopg
from attrs import field, frozen

from bench import images, search
from bench.generate import jsonl
from bench.load import load
from bench.processes import (
    cpu_seconds,
    free_port,
    memory_mib,
    peak_memory_mib,
    postmaster,
    running,
    tree,
)
from eggypro_adapters.embedded_postgres import attach

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))
RESULTS = Path(__file__).with_name("results")
THREADS = "64"


@frozen
class Candidate:
    """One kind of request to one server."""

    name: str
    port: int
    pid: int
    paths: list[str]
    microseconds: list[float] = field(factory=list)
    database: list[float] = field(factory=list)
    rate: list[float] = field(factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", choices=["imports", "requests", "images", "search"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eggypro-bench-") as folder, ExitStack() as opened:
        data = Path(folder) / "data"
        environment = {"EGGYPRO_DATA_DIR": str(data), "RATE_LIMIT_MAX_REQUESTS": "0"}
        parts: dict[str, Callable[[], Iterator[str]]] = {
            "imports": lambda: _imports(Path(folder), environment, options.products[0]),
            "requests": lambda: _requests(opened, data, environment, options),
            "images": lambda: images.measured(EGGYPRO, Path(folder), environment),
            "search": lambda: search.measured(Path(folder), options.products),
        }
        for name, measured in parts.items():
            if options.only in {None, name}:
                report = "\n".join([*_machine(), "", *measured()]) + "\n"
                (RESULTS / f"{name}.md").write_text(report)
                print(report, flush=True)


def _imports(folder: Path, environment: dict[str, str], number: int) -> Iterator[str]:
    file = folder / "products.jsonl"
    with file.open("w") as out:
        out.writelines(jsonl(number))
    yield f"## Import of {number:,} products ({file.stat().st_size / 2**20:.0f} MiB of JSONL)"
    yield ""
    yield "| | rows/s | seconds | peak memory of the process, MiB |"
    yield "| --- | --- | --- | --- |"
    peak_memory_mib([EGGYPRO, "db", "upgrade"], environment)
    for name in ("new", "the same again"):
        seconds, memory = peak_memory_mib(
            [EGGYPRO, "products", "import", str(file), "--json"], environment
        )
        yield f"| {name} | {number / seconds:,.0f} | {seconds:.1f} | {memory:.0f} |"


def _requests(
    opened: ExitStack, data: Path, environment: dict[str, str], options: argparse.Namespace
) -> Iterator[str]:
    hello, shop, plain = free_port(), free_port(), free_port()
    hello_command = [sys.executable, "-m", "bench.hello", str(hello), THREADS]
    hello_pid = opened.enter_context(running(hello_command, hello, environment))
    serve = [EGGYPRO, "serve", "--demo", "--port"]
    shop_pid = opened.enter_context(running([*serve, str(shop)], shop, environment))
    uncached = {**environment, "CACHE_TTL": "0"}
    plain_pid = opened.enter_context(running([*serve, str(plain)], plain, uncached))
    with urlopen(f"http://127.0.0.1:{shop}/api/products?limit=100&sort=newest") as answer:
        slugs = [item["slug"] for item in json.load(answer)["items"]]
    of_each = [f"/api/products/{slug}" for slug in slugs]
    _settle(data)
    candidates = [
        Candidate("bare Falcon hello", hello, hello_pid, ["/hello"]),
        Candidate("product, kept in the process", shop, shop_pid, of_each),
        Candidate("list of 20, kept in the process", shop, shop_pid, ["/api/products"]),
        Candidate("product, from Postgres", plain, plain_pid, of_each),
        Candidate("list of 20, from Postgres", plain, plain_pid, ["/api/products"]),
    ]
    for _ in range(options.rounds):
        for candidate in candidates:
            _measure(candidate, postmaster(data), options.seconds)
    yield from _table(candidates)
    yield ""
    yield f"Memory of the server with its worker (PSS): {memory_mib(tree(shop_pid)):.0f} MiB."


def _settle(data: Path) -> None:
    """Do at once what autovacuum does within a minute of an import."""
    with attach(data) as server, psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE products")


def _measure(candidate: Candidate, database: int, seconds: float) -> None:
    load(candidate.port, candidate.paths, seconds=0.5)
    server, postgres = tree(candidate.pid), tree(database)
    before, before_database = cpu_seconds(server), cpu_seconds(postgres)
    result = load(candidate.port, candidate.paths, seconds=seconds)
    used = cpu_seconds(server) - before
    used_database = cpu_seconds(tree(database)) - before_database
    candidate.microseconds.append(used / result.requests * 1e6)
    candidate.database.append(used_database / result.requests * 1e6)
    candidate.rate.append(result.requests / result.seconds)


def _table(candidates: list[Candidate]) -> Iterator[str]:
    first = statistics.median(candidates[0].microseconds)
    yield "## Requests, one worker, 8 clients"
    yield ""
    yield "| | CPU µs, server | CPU µs, Postgres | CPU µs, in all | times hello | requests/s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for each in candidates:
        server, database = statistics.median(each.microseconds), statistics.median(each.database)
        both = server + database
        yield (
            f"| {each.name} | {server:.0f} | {database:.0f} | {both:.0f} | {both / first:.1f} |"
            f" {statistics.median(each.rate):,.0f} |"
        )


def _machine() -> Iterator[str]:
    packages = ("falcon", "granian", "sqlalchemy", "psycopg", "orjson", "attrs")
    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; " + (
        ", ".join(f"{name} {version(name)}" for name in packages) + "."
    )


if __name__ == "__main__":
    main()
