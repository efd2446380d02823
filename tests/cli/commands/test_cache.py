"""`eggypro cache clear|stats`."""

import orjson
import pytest
from attrs import evolve

from eggypro_core.caching.entries import CacheCounts, CacheReport, ServerCaches, SharedCounts
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

WORKER_COUNTS = (CacheCounts(5, 3, 1, 2, 1_500_000), CacheCounts(10, 4, 0, 3, 40_000))


@pytest.mark.parametrize("shared", [None, SharedCounts(7, 21_000_000)])
def test_json_sums_the_counts_of_all_workers(
    run_command: RunCommand, runtime: MemoryRuntime, shared: SharedCounts | None
) -> None:
    runtime.shop = evolve(
        runtime.shop, caches=ServerCaches(report=lambda: CacheReport(WORKER_COUNTS, shared))
    )
    result = run_command("cache", "stats", "--json")
    assert orjson.loads(result.out) == {
        "workers": 2,
        "hits": 15,
        "misses": 7,
        "stale": 1,
        "kept": 5,
        "bytes": 1_540_000,
        "shared": {"kept": 7, "bytes": 21_000_000} if shared else None,
    }


def test_table_shows_each_worker(run_command: RunCommand, runtime: MemoryRuntime) -> None:
    report = CacheReport(WORKER_COUNTS, SharedCounts(7, 21_000_000))
    runtime.shop = evolve(runtime.shop, caches=ServerCaches(report=lambda: report))
    assert run_command("cache", "stats").out.splitlines() == [
        "worker 1  5 hits, 3 misses, 1 stale; 2 entries, 1.5 MB",
        "worker 2  10 hits, 4 misses, 0 stale; 3 entries, 0.0 MB",
        "shared    7 entries, 21.0 MB",
    ]


def test_stats_without_a_server_are_empty(run_command: RunCommand) -> None:
    assert run_command("cache", "stats") == CommandResult(
        0, "workers  none running on this host\n", ""
    )
    empty = {"workers": 0, "hits": 0, "misses": 0, "stale": 0, "kept": 0, "bytes": 0}
    assert orjson.loads(run_command("cache", "stats", "--json").out) == {**empty, "shared": None}


def test_clear_prints_the_number_of_removed_entries(
    run_command: RunCommand, runtime: MemoryRuntime
) -> None:
    runtime.shop = evolve(runtime.shop, caches=ServerCaches(clear=lambda: 12))
    assert run_command("cache", "clear", "--json") == CommandResult(0, '{"removed":12}\n', "")
    result = run_command("cache", "clear")
    assert (result.code, result.err) == (0, "")
    assert "removed 12 shared entries" in result.out
