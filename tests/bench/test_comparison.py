from collections.abc import Sequence

from bench.comparison import Candidate, Comparison, Group, Sample, changes
from bench.load import Result


def candidate(name: str, *cpu_us: tuple[float, float]) -> Candidate:
    """Return a candidate with the CPU time of the server and of the stores in each round."""
    samples = [Sample(server, stores, Result(1.0, [0.001] * 500)) for server, stores in cpu_us]
    return Candidate(name, run=no_requests, cpu_seconds=float, samples=samples)


def no_requests(seconds: float) -> Result:
    return Result(seconds, [])


def rows(comparison: Comparison) -> Sequence[str]:
    return [line for line in comparison.report() if line.startswith("| ")][2:]


def test_a_ratio_is_the_median_of_the_ratios_of_the_rounds() -> None:
    # In the second round, other work of the machine doubled all CPU times.
    slow = candidate("slow", (20, 20), (40, 40), (25, 25))
    fast = candidate("fast", (10, 0), (20, 0), (5, 5))
    assert slow.ratio_to(fast) == 4
    assert fast.ratio_to(slow) == 0.25


def test_the_table_marks_a_peer_that_is_cheaper() -> None:
    group = Group(
        "Product",
        [candidate("EggyPro", (60, 40))],
        [candidate("Fast", (40, 10)), candidate("Slow", (200, 200))],
    )
    assert rows(Comparison(candidate("hello", (10, 0)), [group])) == [
        "| hello |  | 1.0 | 10 | 10 | 0 | 500 |",
        "| EggyPro |  | 10.0 | 100 | 60 | 40 | 500 |",
        "| Fast | **2.00** | 5.0 | 50 | 40 | 10 | 500 |",
        "| Slow | 0.25 | 40.0 | 400 | 200 | 200 | 500 |",
    ]


def test_figures_are_relative_to_the_baseline() -> None:
    groups = [Group("Cached", [candidate("product", (30, 0)), candidate("list", (45, 0))])]
    comparison = Comparison(candidate("hello", (15, 0)), groups)
    assert comparison.figures() == {"Cached: product": 2, "Cached: list": 3}


def test_the_change_since_an_earlier_run_is_a_ratio() -> None:
    table = list(changes({"product": 1.5, "new": 1.0}, {"product": 3.0, "gone": 2.0}))
    assert table[2:] == ["| product | 3.00 | 1.50 | 0.50 |"]


def test_measured_candidates_alternate_after_a_round_of_warming_up() -> None:
    order: list[str] = []

    def recorder(name: str) -> Candidate:
        def run(seconds: float) -> Result:
            order.append(f"{name} {seconds:.2f}")
            return Result(seconds, [0.001])

        return Candidate(name, run, cpu_seconds=float)

    own, peer = recorder("own"), recorder("peer")
    comparison = Comparison(recorder("hello"), [Group("", [own], [peer])])
    comparison.run([], rounds=2, seconds=0.04)
    names = ("hello", "own", "peer")
    assert order == [f"{name} {seconds}" for name in names for seconds in ("0.01", "0.04")] * 3
    assert [len(measured.samples) for measured in (own, peer)] == [2, 2]


def test_cpu_time_is_per_request_and_without_the_round_of_warming_up() -> None:
    clock = iter([0.0, 5.0, 5.0, 7.0])

    def run(seconds: float) -> Result:
        return Result(seconds, [0.001] * 4)

    own = Candidate("own", run, cpu_seconds=lambda: next(clock))
    comparison = Comparison(Candidate("hello", run, cpu_seconds=float), [Group("", [own])])
    comparison.run([], rounds=1, seconds=0.01)
    assert [sample.server_us for sample in own.samples] == [500_000]
