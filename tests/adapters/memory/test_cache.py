import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.cache import CacheContract, an_answer
from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.memory import MemoryCache
from eggypro_core.caching.ports import Cache


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def cache(self, clock: FakeSeconds) -> Cache:
        return MemoryCache(clock)


def kept_in(cache: MemoryCache, keys: str) -> str:
    """Return those of the keys that are kept."""
    return "".join(key for key in keys if cache.get(key))


@pytest.fixture
def clock() -> FakeSeconds:
    return FakeSeconds()


def test_of_too_many_the_least_recently_used_go_first(clock: FakeSeconds) -> None:
    cache = MemoryCache(clock, most=3)
    for key in "abc":
        cache.set(key, an_answer(b""))
    cache.get("a")
    cache.set("b", an_answer(b"anew"))
    cache.set("d", an_answer(b""))
    assert len(cache) == 3
    assert kept_in(cache, "abcd") == "abd"


def test_what_is_kept_weighs_no_more_than_it_may(clock: FakeSeconds) -> None:
    cache = MemoryCache(clock, most_bytes=5_000)
    for key in "abcdef":
        cache.set(key, an_answer(b"x" * 1_000))
    assert kept_in(cache, "abcdef") == "def"
    assert 3_000 < cache.bytes <= 5_000
    cache.set("g", an_answer(b"x" * 6_000))
    assert (len(cache), cache.bytes) == (0, 0)


def test_what_goes_weighs_nothing_however_it_goes(clock: FakeSeconds) -> None:
    cache = MemoryCache(clock)
    cache.set("a", an_answer(b"x" * 1_000, ends=5))
    cache.set("b", an_answer(b"x" * 1_000))
    cache.set("b", an_answer(b"x"))
    cache.delete("b")
    clock.now = 5
    cache.get("a")
    assert (len(cache), cache.bytes) == (0, 0)
    cache.set("c", an_answer(b"x"))
    cache.clear()
    assert cache.bytes == 0


@pytest.fixture
def hurried() -> Iterator[None]:
    """Have threads take turns all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("hurried")
def test_its_bounds_hold_with_many_at_once(clock: FakeSeconds) -> None:
    cache = MemoryCache(clock, most=20, most_bytes=30_000)

    def play(number: int) -> None:
        for turn in range(500):
            key = str((number * 7 + turn) % 40)
            cache.set(key, an_answer(b"x" * (turn % 2_000), ends=turn % 3))
            cache.get(key)
            cache.delete(str(turn % 40))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(play, range(8)))
    assert len(cache) <= 20
    assert cache.bytes <= 30_000
    for key in range(40):
        cache.delete(str(key))
    assert (len(cache), cache.bytes) == (0, 0)
