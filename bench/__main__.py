"""`make bench`: run the benchmarks and write tables to bench/results, one file per part.

Candidates alternate over several rounds; tables show medians. CPU time per request (server with its
children, plus Postgres) comes first because it is steadier than requests per second. Other load of
the machine still matters: compare within one run only.
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
    process_tree,
    run_server,
)
from eggypro_adapters.embedded_postgres import attach

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))
RESULTS = Path(__file__).with_name("results")
THREADS = "64"


@frozen
class Candidate:
    """One kind of request to one server, and its measurements."""

    name: str
    port: int
    pid: int
    paths: list[str]
    server_us: list[float] = field(factory=list)
    database_us: list[float] = field(factory=list)
    requests_per_second: list[float] = field(factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--only", choices=["imports", "requests", "images", "search"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eggypro-bench-") as folder, ExitStack() as stack:
        data = Path(folder) / "data"
        environment = {"EGGYPRO_DATA_DIR": str(data), "RATE_LIMIT_MAX_REQUESTS": "0"}
        parts: dict[str, Callable[[], Iterator[str]]] = {
            "imports": lambda: _imports(Path(folder), environment, options.products[0]),
            "requests": lambda: _requests(stack, data, environment, options),
            "images": lambda: images.measure(EGGYPRO, Path(folder), environment),
            "search": lambda: search.measure(Path(folder), options.products),
        }
        for name, measure in parts.items():
            if options.only in {None, name}:
                report = "\n".join([*_machine(), "", *measure()]) + "\n"
                (RESULTS / f"{name}.md").write_text(report)
                print(report, flush=True)


def _imports(folder: Path, environment: dict[str, str], count: int) -> Iterator[str]:
    file = folder / "products.jsonl"
    with file.open("w") as out:
        out.writelines(jsonl(count))
    yield f"## Import of {count:,} products ({file.stat().st_size / 2**20:.0f} MiB of JSONL)"
    yield ""
    yield "| | rows/s | seconds | peak memory of the process, MiB |"
    yield "| --- | --- | --- | --- |"
    peak_memory_mib([EGGYPRO, "db", "upgrade"], environment)
    for name in ("new", "the same again"):
        seconds, memory = peak_memory_mib(
            [EGGYPRO, "products", "import", str(file), "--json"], environment
        )
        yield f"| {name} | {count / seconds:,.0f} | {seconds:.1f} | {memory:.0f} |"


def _requests(
    stack: ExitStack, data: Path, environment: dict[str, str], options: argparse.Namespace
) -> Iterator[str]:
    hello, cached, uncached = free_port(), free_port(), free_port()
    hello_command = [sys.executable, "-m", "bench.hello", str(hello), THREADS]
    hello_pid = stack.enter_context(run_server(hello_command, hello, environment))
    serve = [EGGYPRO, "serve", "--demo", "--port"]
    cached_pid = stack.enter_context(run_server([*serve, str(cached)], cached, environment))
    without_cache = {**environment, "CACHE_TTL": "0"}
    uncached_pid = stack.enter_context(run_server([*serve, str(uncached)], uncached, without_cache))
    with urlopen(f"http://127.0.0.1:{cached}/api/products?limit=100&sort=newest") as response:
        slugs = [item["slug"] for item in json.load(response)["items"]]
    product_paths = [f"/api/products/{slug}" for slug in slugs]
    _settle(data)
    candidates = [
        Candidate("bare Falcon hello", hello, hello_pid, ["/hello"]),
        Candidate("product, cached in the process", cached, cached_pid, product_paths),
        Candidate("list of 20, cached in the process", cached, cached_pid, ["/api/products"]),
        Candidate("product, from Postgres", uncached, uncached_pid, product_paths),
        Candidate("list of 20, from Postgres", uncached, uncached_pid, ["/api/products"]),
    ]
    for _ in range(options.rounds):
        for candidate in candidates:
            _measure(candidate, postmaster(data), options.seconds)
    yield from _table(candidates)
    yield ""
    memory = memory_mib(process_tree(cached_pid))
    yield f"Memory of the server with its worker (PSS): {memory:.0f} MiB."


def _settle(data: Path) -> None:
    """Run what autovacuum does within a minute of an import."""
    with attach(data) as server, psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE products")


def _measure(candidate: Candidate, database: int, seconds: float) -> None:
    load(candidate.port, candidate.paths, seconds=0.5)
    server, postgres = process_tree(candidate.pid), process_tree(database)
    server_before, database_before = cpu_seconds(server), cpu_seconds(postgres)
    result = load(candidate.port, candidate.paths, seconds=seconds)
    server_seconds = cpu_seconds(server) - server_before
    database_seconds = cpu_seconds(process_tree(database)) - database_before
    candidate.server_us.append(server_seconds / result.requests * 1e6)
    candidate.database_us.append(database_seconds / result.requests * 1e6)
    candidate.requests_per_second.append(result.requests / result.seconds)


def _table(candidates: list[Candidate]) -> Iterator[str]:
    hello = statistics.median(candidates[0].server_us)
    yield "## Requests, one worker, 8 clients"
    yield ""
    yield "| | CPU µs, server | CPU µs, Postgres | CPU µs, total | times hello | requests/s |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for candidate in candidates:
        server = statistics.median(candidate.server_us)
        database = statistics.median(candidate.database_us)
        total = server + database
        yield (
            f"| {candidate.name} | {server:.0f} | {database:.0f} | {total:.0f} |"
            f" {total / hello:.1f} | {statistics.median(candidate.requests_per_second):,.0f} |"
        )


def _machine() -> Iterator[str]:
    packages = ("falcon", "granian", "sqlalchemy", "psycopg", "orjson", "attrs")
    yield f"Python {platform.python_version()} on {platform.system()} {platform.machine()}; " + (
        ", ".join(f"{name} {version(name)}" for name in packages) + "."
    )


if __name__ == "__main__":
    main()
