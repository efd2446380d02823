import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest

from eggypro_adapters.contracts.cache import CacheContract, make_entry
from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryCache
from eggypro_core.caching.ports import Cache


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self, clock: FakeMonotonicClock) -> Cache:
        return MemoryCache(clock)


def cached_keys(cache: MemoryCache, keys: str) -> str:
    """Return the keys that are in the cache."""
    return "".join(key for key in keys if cache.get(key))


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock()


def test_the_least_recently_used_entries_are_evicted_first(clock: FakeMonotonicClock) -> None:
    cache = MemoryCache(clock, max_entries=3)
    for key in "abc":
        cache.set(key, make_entry(b""))
    cache.get("a")
    cache.set("b", make_entry(b"new"))
    cache.set("d", make_entry(b""))
    assert len(cache) == 3
    assert cached_keys(cache, "abcd") == "abd"


def test_total_size_stays_within_the_limit(clock: FakeMonotonicClock) -> None:
    cache = MemoryCache(clock, max_bytes=6_000)
    for key in "abcdef":
        cache.set(key, make_entry(b"x" * 1_000))
    assert cached_keys(cache, "abcdef") == "def"
    assert 3_000 < cache.bytes <= 6_000
    cache.set("g", make_entry(b"x" * 7_000))
    assert (len(cache), cache.bytes) == (0, 0)


def test_body_is_copied_out_of_the_buffer_that_it_was_written_to(
    clock: FakeMonotonicClock,
) -> None:
    """Between the shrunk buffers of 20,000 orjson bodies, 100 MiB stay free but unused."""
    cache, body = MemoryCache(clock), orjson.dumps({"items": ["x" * 1_000]})
    cache.set("a", make_entry(body))
    entry = cache.get("a")
    assert entry is not None
    assert entry.response.body == body
    assert entry.response.body is not body


def test_removed_entries_free_their_size(clock: FakeMonotonicClock) -> None:
    cache = MemoryCache(clock)
    cache.set("a", make_entry(b"x" * 1_000, expires_at=5))
    cache.set("b", make_entry(b"x" * 1_000))
    cache.set("b", make_entry(b"x"))
    cache.delete("b")
    clock.now = 5
    cache.get("a")
    assert (len(cache), cache.bytes) == (0, 0)
    cache.set("c", make_entry(b"x"))
    cache.clear()
    assert cache.bytes == 0


@pytest.fixture
def frequent_thread_switches() -> Iterator[None]:
    """Make the interpreter switch threads as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("frequent_thread_switches")
def test_limits_hold_under_concurrent_access(clock: FakeMonotonicClock) -> None:
    cache = MemoryCache(clock, max_entries=20, max_bytes=30_000)

    def use_cache(number: int) -> None:
        for turn in range(500):
            key = str((number * 7 + turn) % 40)
            cache.set(key, make_entry(b"x" * (turn % 2_000), expires_at=turn % 3))
            cache.get(key)
            cache.delete(str(turn % 40))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use_cache, range(8)))
    assert len(cache) <= 20
    assert cache.bytes <= 30_000
    for key in range(40):
        cache.delete(str(key))
    assert (len(cache), cache.bytes) == (0, 0)
