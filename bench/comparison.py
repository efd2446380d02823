"""Comparison of candidates: measured in turn over several rounds, reported as ratios."""

import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Self

from attrs import field, frozen

from bench.load import Result, load
from bench.processes import TICKS_PER_SECOND, Server, tree_cpu_seconds

_WARM_UP_SECONDS = 0.5
_MAX_IDLE_CHECKS = 20
_IDLE_CHECK_SECONDS = 0.1


@frozen
class Sample:
    """The CPU time per request of one round: of the server, and of Postgres with Redis."""

    server_us: float
    stores_us: float
    result: Result

    @property
    def total_us(self) -> float:
        return self.server_us + self.stores_us


@frozen(eq=False)
class Candidate:
    """Something that answers requests of one kind, and its samples, one per round.

    `run` sends requests for a number of seconds; `cpu_seconds` is the CPU time used so far by the
    processes that answer them, without Postgres and Redis.
    """

    name: str
    run: Callable[[float], Result]
    cpu_seconds: Callable[[], float]
    samples: list[Sample] = field(factory=list)

    @classmethod
    def of_server(
        cls, name: str, server: Server, requests: Sequence[bytes], *, clients: int = 8
    ) -> Self:
        """Return the candidate that sends these requests to a server again and again.

        Each run continues where the last one ended: the first writes of a run are no repetitions.
        """
        endless = cycle(requests)

        def run(seconds: float) -> Result:
            return load(server.port, endless, seconds=seconds, clients=clients)

        return cls(name, run, server.cpu_seconds)

    def median(self, value: Callable[[Sample], float]) -> float:
        """Return the median of a value over the rounds."""
        return statistics.median(map(value, self.samples))

    def ratio_to(self, other: "Candidate") -> float:
        """Return the median of the ratios of CPU time to that of another candidate."""
        pairs = zip(self.samples, other.samples, strict=True)
        return statistics.median(mine.total_us / its.total_us for mine, its in pairs)


@frozen(eq=False)
class Group:
    """Requests of one kind to EggyPro, in one or several ways, and the same to its peers."""

    title: str
    own: Sequence[Candidate]
    peers: Sequence[Candidate] = ()

    @property
    def candidates(self) -> list[Candidate]:
        return [*self.own, *self.peers]


@frozen
class Comparison:
    """Groups of candidates, compared with one another and with a baseline."""

    baseline: Candidate
    groups: Sequence[Group]

    def run(self, stores: Sequence[int], *, rounds: int, seconds: float) -> float:
        """Measure all candidates in turn, round after round. A first round only warms them up.

        `stores` are the main processes of Postgres and Redis. Returns the ratio of the machine's
        CPU time that other processes took meanwhile.
        """
        candidates = [self.baseline, *(c for group in self.groups for c in group.candidates)]
        before = _machine_times(stores)
        for number in range(rounds + 1):
            for candidate in candidates:
                _wait_until_idle(stores)
                sample = _measure(candidate, stores, seconds)
                if number:
                    candidate.samples.append(sample)
        own, busy, total = (
            after - earlier for after, earlier in zip(_machine_times(stores), before, strict=True)
        )
        return max(0.0, (busy - own) / total)

    def report(self) -> Iterator[str]:
        """Yield the tables. Ratios come first, because they depend least on the machine."""
        for group in self.groups:
            yield f"### {group.title}"
            yield ""
            yield (
                f"| | CPU of EggyPro, times this | times {self.baseline.name} | CPU µs a request |"
                " server | Postgres and Redis | requests/s |"
            )
            yield "| --- | --- | --- | --- | --- | --- | --- |"
            for candidate in [self.baseline, *group.candidates]:
                yield self._row(candidate, group)
            yield ""

    def figures(self) -> Mapping[str, float]:
        """Return the CPU time of each kind of request to EggyPro, relative to the baseline."""
        return {
            f"{group.title}: {candidate.name}": candidate.ratio_to(self.baseline)
            for group in self.groups
            for candidate in group.own
        }

    def _row(self, candidate: Candidate, group: Group) -> str:
        ratio = group.own[0].ratio_to(candidate) if candidate in group.peers else None
        cells = [
            candidate.name,
            "" if ratio is None else f"**{ratio:.2f}**" if ratio > 1 else f"{ratio:.2f}",
            f"{candidate.ratio_to(self.baseline):.1f}",
            f"{candidate.median(lambda sample: sample.total_us):.0f}",
            f"{candidate.median(lambda sample: sample.server_us):.0f}",
            f"{candidate.median(lambda sample: sample.stores_us):.0f}",
            f"{candidate.median(lambda sample: sample.result.requests_per_second):,.0f}",
        ]
        return f"| {' | '.join(cells)} |"


def changes(figures: Mapping[str, float], earlier: Mapping[str, float]) -> Iterator[str]:
    """Yield a table of figures and their ratios to those of an earlier run."""
    yield "| CPU, times hello or raw psycopg | before | now | now / before |"
    yield "| --- | --- | --- | --- |"
    for name, now in figures.items():
        if name in earlier:
            yield f"| {name} | {earlier[name]:.2f} | {now:.2f} | {now / earlier[name]:.2f} |"


def other_load(ratio: float) -> str:
    """Return the line of a report that says how busy the machine was otherwise."""
    return (
        f"During the measurements, other processes took {ratio:.0%} of the CPU time of"
        f" {os.cpu_count()} cores."
    )


def _measure(candidate: Candidate, stores: Sequence[int], seconds: float) -> Sample:
    candidate.run(min(_WARM_UP_SECONDS, seconds / 4))
    server_before, stores_before = candidate.cpu_seconds(), tree_cpu_seconds(*stores)
    result = candidate.run(seconds)
    server_seconds = candidate.cpu_seconds() - server_before
    stores_seconds = tree_cpu_seconds(*stores) - stores_before
    return Sample(
        server_seconds / result.requests * 1e6, stores_seconds / result.requests * 1e6, result
    )


def _wait_until_idle(roots: Iterable[int]) -> None:
    """Wait until the writes of the previous candidate's background threads are done."""
    for _ in range(_MAX_IDLE_CHECKS):
        before = tree_cpu_seconds(*roots)
        time.sleep(_IDLE_CHECK_SECONDS)
        if tree_cpu_seconds(*roots) - before < _IDLE_CHECK_SECONDS / 5:
            return


def _machine_times(stores: Sequence[int]) -> tuple[float, float, float]:
    """Return CPU seconds since the boot: of the benchmark and its servers, of all, and available.

    Available are the seconds of all cores; what a hypervisor takes away counts as used.
    """
    line = Path("/proc/stat").read_text().splitlines()[0]
    user, nice, system, idle, iowait, irq, softirq, steal = map(int, line.split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    own = tree_cpu_seconds(os.getpid(), *stores)
    return own, busy / TICKS_PER_SECOND, (busy + idle + iowait) / TICKS_PER_SECOND
