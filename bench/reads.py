"""Benchmark of reads: from the cache beside a hello, and from Postgres beside the peers."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from bench.comparison import Candidate, Comparison, Group
from bench.load import get_request
from bench.peers import Peer, check_responses, start_peers
from bench.processes import Server
from bench.servers import start_eggypro, start_hello
from bench.shop import BenchShop
from tests.support.redis_server import run_redis

LIST, CATEGORY_LIST = "/api/products", "/api/products?category=aisle-7"
_CHECKED_PRODUCTS = 50


def compare_reads(
    stack: ExitStack, shop: BenchShop, peers: Sequence[Peer]
) -> tuple[Comparison, list[int]]:
    """Return the comparison of reads, and the main processes of the stores that they use."""
    redis = stack.enter_context(run_redis("redis"))
    assert redis.process is not None
    uncached = start_eggypro(stack, shop, {"CACHE_TTL": "0"})
    servers = start_peers(stack, peers, shop)
    products = [f"/api/products/{slug}" for slug in shop.slugs]
    check_responses(uncached, servers, [*products[:_CHECKED_PRODUCTS], LIST, CATEGORY_LIST])
    cached = start_eggypro(stack, shop)
    with_redis = start_eggypro(
        stack, shop, {"REDIS_URL": redis.url}, module="bench.without_local_cache"
    )
    groups = [
        Group(
            "Cached",
            [
                _candidate("product, cached in the worker", cached, products),
                _candidate("list of 20, cached in the worker", cached, [LIST]),
                _candidate("product, cached in Redis", with_redis, products),
                _candidate("list of 20, cached in Redis", with_redis, [LIST]),
            ],
        ),
        _from_postgres("Product from Postgres", uncached, servers, products),
        _list_from_postgres("List of 20 from Postgres", uncached, servers, LIST),
        _list_from_postgres(
            "A category's list of 20 from Postgres", uncached, servers, CATEGORY_LIST
        ),
    ]
    hello = _candidate("hello", start_hello(stack), ["/hello"])
    return Comparison(hello, groups), [shop.postmaster, redis.process.pid]


def _list_from_postgres(
    title: str, eggypro: Server, peers: Mapping[str, Server], path: str
) -> Group:
    """Return the group of a list.

    Peers are also measured without a total, which EggyPro cannot omit.
    """
    group = _from_postgres(title, eggypro, peers, [path])
    without_total = f"{path}{'&' if '?' in path else '?'}total=false"
    more = [
        _candidate(f"{name}, without a total", server, [without_total])
        for name, server in peers.items()
    ]
    return Group(title, group.own, [*group.peers, *more])


def _from_postgres(
    title: str, eggypro: Server, peers: Mapping[str, Server], paths: Sequence[str]
) -> Group:
    others = [_candidate(name, server, paths) for name, server in peers.items()]
    return Group(title, [_candidate("EggyPro", eggypro, paths)], others)


def _candidate(name: str, server: Server, paths: Sequence[str]) -> Candidate:
    return Candidate.of_server(name, server, [get_request(path) for path in paths])
