"""`make bench` and `make bench-quick`: measure EggyPro beside its peers.

`make bench` installs the peers and writes tables to bench/results, one page per part. With
`--quick`, a small shop is measured in about three minutes, beside the peers that are already
installed. Candidates alternate over several rounds; tables show medians. Ratios and the CPU time
of a request (server with its children, plus Postgres and Redis) come first because they are
steadier than requests per second. Other load of the machine still matters: compare within one run
only.
"""

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from attrs import define, evolve, field, frozen

from bench import connections, images, imports, memory, search, startup
from bench.comparison import Comparison, changes, other_load
from bench.peers import CACHE, Peer, install_peers, installed_peers
from bench.reads import compare_reads
from bench.shop import EGGYPRO, BenchShop, open_shop
from bench.writes import compare_writes

RESULTS = Path(__file__).with_name("results")


@frozen
class Size:
    """How much to measure.

    `products` are the sizes of the shops to search; the first one counts for all other parts.
    """

    products: Sequence[int]
    rounds: int
    seconds: float
    distinct_requests: int


FULL = Size([100_000, 1_000_000], rounds=5, seconds=3, distinct_requests=100_000)
QUICK = Size([2_000], rounds=3, seconds=0.6, distinct_requests=4_000)


@define
class Bench:
    """One run: its folder, its size and peers, and the shop that most parts share.

    `figures` are the ratios that a later run may be compared with.
    """

    folder: Path
    size: Size
    peers: Sequence[Peer]
    _stack: ExitStack
    figures: dict[str, float] = field(factory=dict)
    _shop: BenchShop | None = None

    def shop(self) -> BenchShop:
        """Return the shop, created when the first part needs it."""
        if self._shop is None:
            self._shop = self._stack.enter_context(open_shop(self.folder, self.size.products[0]))
        return self._shop

    def imports(self) -> Iterator[str]:
        return imports.measure(self.folder, self.size.products[0])

    def requests(self) -> Iterator[str]:
        shop = self.shop()
        with ExitStack() as stack:
            comparison, stores = compare_reads(stack, shop, self.peers)
            others = self._run([comparison], stores)
            yield f"## Reads, {self.size.products[0]:,} products, one worker, 8 clients"
            yield ""
            yield other_load(others)
            yield ""
            yield from comparison.report()

    def writes(self) -> Iterator[str]:
        shop = self.shop()
        with ExitStack() as stack:
            comparisons, stores = compare_writes(stack, shop, self.peers)
            others = self._run(comparisons, stores)
            yield f"## Writes, {self.size.products[0]:,} products, one client"
            yield ""
            yield other_load(others)
            yield "Peers update the product only; EggyPro and raw psycopg also the search index."
            yield ""
            for comparison in comparisons:
                yield from comparison.report()

    def connections(self) -> Iterator[str]:
        shop = self.shop()
        with ExitStack() as stack:
            comparison = connections.compare_connections(stack, shop, self.peers)
            others = self._run([comparison], [shop.postmaster])
            clients, workers = connections.CONNECTIONS, connections.WORKERS
            yield f"## Products, {clients} connections, {workers} workers"
            yield ""
            yield other_load(others)
            yield ""
            yield from connections.report(comparison)

    def memory(self) -> Iterator[str]:
        shop = self.shop()
        with ExitStack() as stack:
            yield "## Memory of servers"
            yield ""
            yield from memory.measure(stack, shop, self.peers, self.size.distinct_requests)

    def startup(self) -> Iterator[str]:
        yield "## Starts"
        yield ""
        yield from startup.measure(self.folder, self.shop(), self.peers, self.size.rounds)

    def images(self) -> Iterator[str]:
        return images.measure(EGGYPRO, self.folder)

    def search(self) -> Iterator[str]:
        return search.measure(self.folder, self.size.products)

    def _run(self, comparisons: Sequence[Comparison], stores: Sequence[int]) -> float:
        """Run comparisons; return the greatest ratio of the machine that other processes took."""
        others = 0.0
        for comparison in comparisons:
            ratio = comparison.run(stores, rounds=self.size.rounds, seconds=self.size.seconds)
            others = max(others, ratio)
            self.figures.update(comparison.figures())
        return others


PARTS: Mapping[str, Callable[[Bench], Iterator[str]]] = {
    "imports": Bench.imports,
    "requests": Bench.requests,
    "writes": Bench.writes,
    "connections": Bench.connections,
    "memory": Bench.memory,
    "startup": Bench.startup,
    "images": Bench.images,
    "search": Bench.search,
}
QUICK_PARTS = ("requests", "writes", "memory", "startup")


def main() -> None:
    options = _parse_options()
    size = QUICK if options.quick else FULL
    names = ("products", "rounds", "seconds")
    size = evolve(
        size, **{name: getattr(options, name) for name in names if getattr(options, name)}
    )
    earlier = json.loads(_run_file(options.against).read_text()) if options.against else None
    if not options.quick:
        install_peers()
    with tempfile.TemporaryDirectory(prefix="eggypro-bench-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), size, installed_peers(), stack)
        for name in options.only or (QUICK_PARTS if options.quick else PARTS):
            report = "\n".join(PARTS[name](bench)).rstrip() + "\n"
            if not options.quick:
                report = f"{_machine(bench.peers)}\n\n{report}"
                (RESULTS / f"{name}.md").write_text(report)
            print(report, flush=True)
    if earlier is not None:
        print("\n".join(changes(bench.figures, earlier)))
    if options.save:
        _run_file(options.save).parent.mkdir(parents=True, exist_ok=True)
        _run_file(options.save).write_text(json.dumps(bench.figures))


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="measure a small shop")
    parser.add_argument("--only", nargs="+", choices=[*PARTS], help="the parts to measure")
    parser.add_argument("--products", type=int, nargs="+")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each candidate in each round")
    parser.add_argument("--save", metavar="NAME", help="store the ratios of this run")
    parser.add_argument("--against", metavar="NAME", help="compare this run with a stored one")
    return parser.parse_args()


def _run_file(name: str) -> Path:
    return CACHE / "runs" / f"{name}.json"


def _machine(peers: Sequence[Peer]) -> str:
    packages = ("falcon", "granian", "sqlalchemy", "psycopg", "orjson", "attrs")
    versions = [f"{name} {version(name)}" for name in packages]
    peer_versions = [text for peer in peers for text in peer.versions]
    return (
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()};"
        f" {', '.join([*versions, *dict.fromkeys(peer_versions)])}."
    )


if __name__ == "__main__":
    main()
