"""`eggypro cache clear` and `stats`."""

import orjson
import pytest
from attrs import evolve

from eggypro_core.caching.entries import CacheCounts, CacheReport, ServerCaches, SharedCounts
from tests.support.runtime import CommandResult, MemoryRuntime, RunCommand

TWO = (CacheCounts(5, 3, 1, 2, 1_500_000), CacheCounts(10, 4, 0, 3, 40_000))


@pytest.mark.parametrize("shared", [None, SharedCounts(7, 21_000_000)])
def test_what_servers_count_is_added_up_for_machines(
    typed: RunCommand, world: MemoryRuntime, shared: SharedCounts | None
) -> None:
    world.shop = evolve(world.shop, cache=ServerCaches(report=lambda: CacheReport(TWO, shared)))
    done = typed("cache", "stats", "--json")
    assert orjson.loads(done.out) == {
        "workers": 2,
        "hits": 15,
        "misses": 7,
        "stale": 1,
        "kept": 5,
        "bytes": 1_540_000,
        "shared": {"kept": 7, "bytes": 21_000_000} if shared else None,
    }


def test_people_see_each_worker(typed: RunCommand, world: MemoryRuntime) -> None:
    report = CacheReport(TWO, SharedCounts(7, 21_000_000))
    world.shop = evolve(world.shop, cache=ServerCaches(report=lambda: report))
    assert typed("cache", "stats").out.splitlines() == [
        "worker 1  5 hits, 3 misses, 1 stale; 2 entries, 1.5 MB",
        "worker 2  10 hits, 4 misses, 0 stale; 3 entries, 0.0 MB",
        "shared    7 entries, 21.0 MB",
    ]


def test_where_no_server_runs_there_is_nothing_to_count(typed: RunCommand) -> None:
    assert typed("cache", "stats") == CommandResult(0, "workers  none running on this host\n", "")
    nothing = {"workers": 0, "hits": 0, "misses": 0, "stale": 0, "kept": 0, "bytes": 0}
    assert orjson.loads(typed("cache", "stats", "--json").out) == {**nothing, "shared": None}


def test_clearing_says_how_many_went(typed: RunCommand, world: MemoryRuntime) -> None:
    world.shop = evolve(world.shop, cache=ServerCaches(clear=lambda: 12))
    assert typed("cache", "clear", "--json") == CommandResult(0, '{"removed":12}\n', "")
    done = typed("cache", "clear")
    assert (done.code, done.err) == (0, "")
    assert "removed 12 shared entries" in done.out
