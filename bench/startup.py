"""Benchmark of starts: imports, the command line, and a server until its first response."""

import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

from bench.load import get_request, load
from bench.peers import FASTAPI, Peer
from bench.processes import Run, run_command, run_server
from bench.shop import EGGYPRO, BenchShop


@frozen(eq=False)
class _Command:
    """A command, the command that it is compared with (if any), and its runs."""

    name: str
    arguments: Sequence[str]
    base: "_Command | None" = None
    environment: Mapping[str, str] = {}
    runs: list[Run] = field(factory=list)

    def row(self) -> str:
        cpu_ms, base = self.cpu_ms(), self.base
        ratio = f"{cpu_ms / base.cpu_ms():.2f} times `{base.name}`" if base else ""
        milliseconds = statistics.median(run.seconds for run in self.runs) * 1e3
        memory = statistics.median(run.peak_mib for run in self.runs)
        return f"| `{self.name}` | {ratio} | {cpu_ms:.0f} | {milliseconds:.0f} | {memory:.0f} |"

    def cpu_ms(self) -> float:
        return statistics.median(run.cpu_seconds for run in self.runs) * 1e3


def measure(folder: Path, shop: BenchShop, peers: Sequence[Peer], rounds: int) -> Iterator[str]:
    """Yield the lines of the report."""
    commands = list(_commands(shop, peers))
    for number in range(rounds + 1):
        for command in commands:
            run = run_command(command.arguments, command.environment)
            if number:  # the first run may write bytecode
                command.runs.append(run)
    yield "| | CPU time | CPU ms | ms | peak memory, MiB |"
    yield "| --- | --- | --- | --- | --- |"
    yield from (command.row() for command in commands)
    yield ""
    yield "| `eggypro serve`, to the first response | ms |"
    yield "| --- | --- |"
    first = [_first_response(folder / f"new-{number}", shop) for number in range(min(rounds, 3))]
    ready = [_first_response(shop.data, shop) for _ in range(rounds)]
    yield f"| without a data folder: creates a database | {statistics.median(first) * 1e3:.0f} |"
    yield f"| Postgres is running | {statistics.median(ready) * 1e3:.0f} |"


def _commands(shop: BenchShop, peers: Sequence[Peer]) -> Iterator[_Command]:
    yield (typer := _import(sys.executable, "typer"))
    yield _Command("eggypro --help", [EGGYPRO, "--help"], typer)
    modules = "fastapi, sqlalchemy.ext.asyncio, asyncpg, uvicorn"
    fastapi = next(
        (_import(peer.command[0], modules) for peer in peers if peer.name == FASTAPI), None
    )
    if fastapi:
        yield fastapi
    yield _import(sys.executable, "eggypro_http.wsgi", fastapi)
    yield _import(sys.executable, "eggypro_http.vercel", fastapi, shop.production_settings())


def _import(
    python: str,
    modules: str,
    base: _Command | None = None,
    environment: Mapping[str, str] = {},
) -> _Command:
    statement = f"import {modules}"
    return _Command(f"python -c '{statement}'", [python, "-c", statement], base, environment)


def _first_response(data: Path, shop: BenchShop) -> float:
    """Return the seconds from the start of a server to its first response."""
    settings = {**shop.settings, "EGGYPRO_DATA_DIR": str(data)}
    start = time.perf_counter()
    with run_server([EGGYPRO, "serve", "--port"], settings) as server:
        load(server.port, iter([get_request("/api/products")]), clients=1)
        return time.perf_counter() - start
