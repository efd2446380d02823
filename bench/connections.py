"""Benchmark of 64 connections: throughput and latency of two workers, beside a hello."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from bench.comparison import Candidate, Comparison, Group
from bench.load import get_request
from bench.peers import FASTAPI, Peer, start_peers
from bench.processes import Server
from bench.servers import start_eggypro, start_hello
from bench.shop import BenchShop

CONNECTIONS, WORKERS = 64, 2


def compare_connections(stack: ExitStack, shop: BenchShop, peers: Sequence[Peer]) -> Comparison:
    """Return the comparison of products, read through many connections."""
    products = [f"/api/products/{slug}" for slug in shop.slugs]

    def candidate(name: str, server: Server, paths: Sequence[str] = products) -> Candidate:
        requests = [get_request(path) for path in paths]
        return Candidate.of_server(name, server, requests, clients=CONNECTIONS)

    cached = start_eggypro(stack, shop, workers=WORKERS)
    uncached = start_eggypro(stack, shop, {"CACHE_TTL": "0"}, workers=WORKERS)
    own = [
        candidate("product, cached in the worker", cached),
        candidate("product, from Postgres", uncached),
    ]
    others = [
        candidate(name if name == FASTAPI else f"{name}, one process", server)
        for name, server in start_peers(stack, peers, shop, workers=WORKERS).items()
    ]
    hello = candidate("hello", start_hello(stack, workers=WORKERS), ["/hello"])
    return Comparison(hello, [Group(f"{CONNECTIONS} connections", own, others)])


def report(comparison: Comparison) -> Iterator[str]:
    """Yield the table."""
    [group] = comparison.groups
    hello = comparison.baseline
    yield "| | requests/s, times hello | p99, times hello | requests/s | p50, ms | p99, ms |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for candidate in [hello, *group.candidates]:
        speed, p99 = _speed(candidate), _latency(candidate, 0.99)
        yield (
            f"| {candidate.name} | {speed / _speed(hello):.2f} |"
            f" {p99 / _latency(hello, 0.99):.1f} | {speed:,.0f} |"
            f" {_latency(candidate, 0.5):.1f} | {p99:.1f} |"
        )


def _speed(candidate: Candidate) -> float:
    return candidate.median(lambda sample: sample.result.requests_per_second)


def _latency(candidate: Candidate, quantile: float) -> float:
    return candidate.median(lambda sample: sample.result.latency_ms(quantile))
