"""Benchmark of memory: servers when idle, and after many distinct requests."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from bench.load import get_request, load
from bench.peers import Peer, start_peers
from bench.processes import Server, memory_mib, process_tree
from bench.reads import LIST
from bench.servers import start_eggypro
from bench.shop import BenchShop

_IDLE_SECONDS = 2


def measure(
    stack: ExitStack, shop: BenchShop, peers: Sequence[Peer], requests: int
) -> Iterator[str]:
    """Yield the lines of the report: each server receives `requests` distinct requests."""
    paths = list(distinct_paths(shop.all_slugs(), requests))
    yield f"| MiB (PSS) | idle | after {len(paths):,} distinct requests |"
    yield "| --- | --- | --- |"
    eggypro = start_eggypro(stack, shop)
    servers = {"EggyPro": eggypro, **start_peers(stack, peers, shop)}
    for name, server in servers.items():
        load(server.port, iter([get_request(LIST)]))
        time.sleep(_IDLE_SECONDS)
        idle, idle_worker = server.memory_mib(), _worker_mib(server)
        # Peers have no cache: a tenth of the requests shows how much memory they take.
        count = len(paths) if server is eggypro else len(paths) // 10
        load(server.port, map(get_request, paths[:count]))
        after = server.memory_mib()
        if server is eggypro:
            yield f"| EggyPro's worker | {idle_worker:.0f} | {_worker_mib(server):.0f} |"
            yield f"| EggyPro, with its main process | {idle:.0f} | {after:.0f} |"
        else:
            yield f"| {name} (a tenth of the requests) | {idle:.0f} | {after:.0f} |"


def distinct_paths(slugs: Sequence[str], requests: int) -> Iterator[str]:
    """Yield at most `requests` paths: products as far as there are, and as many lists by price."""
    for number in range(requests // 2):
        if number < len(slugs):
            yield f"/api/products/{slugs[number]}"
        yield f"/api/products?min_price={number / 100 + 0.01:.2f}"


def _worker_mib(server: Server) -> float:
    """Return the memory of the largest process."""
    return max(memory_mib([pid]) for pid in process_tree(server.pid))
