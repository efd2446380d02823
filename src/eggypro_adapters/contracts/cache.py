"""What every Cache must do."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_core.caching.entries import CachedResponse, CacheEntry, Snapshot
from eggypro_core.caching.ports import Cache

NOW = 1_800_000_000.0
SNAPSHOT = Snapshot("16384-1792000000123456", 9_007_199_254_740_993)
HEADERS = {
    "etag": '"7.a1"',
    "last-modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    "x": "\xe4 \U0001f95a",
}
EGG_ENTRY = CacheEntry(
    SNAPSHOT, NOW + 300.25, CachedResponse(b'{"name": "Egg"}\r\n\x00\xff', HEADERS)
)
CACHE_KEYS = [
    "",
    "/api/products?search=egg white&limit=2",
    "\xe4 {a} {b}",
    "*",
    "eggypro:?[x]",
    "line\r\nbreak\0",
    "\udc80",
    "k" * 9_000,
]


def make_entry(body: bytes, expires_at: float = NOW + 300) -> CacheEntry:
    """Return an answer that ends at a second."""
    return CacheEntry(SNAPSHOT, expires_at, CachedResponse(body))


class CacheContract:
    """A subclass gives the fixture `cache`, an empty one whose clock is `clock`."""

    @pytest.fixture
    def clock(self) -> FakeMonotonicClock:
        return FakeMonotonicClock(NOW)

    @pytest.fixture
    def cache(self, clock: FakeMonotonicClock) -> Cache:
        raise NotImplementedError

    def test_what_nobody_kept_is_not_there(self, cache: Cache) -> None:
        assert cache.get("/egg") is None

    @pytest.mark.parametrize(
        "kept",
        [
            EGG_ENTRY,
            make_entry(b""),
            make_entry(b"x" * 1_000_000),
            CacheEntry(SNAPSHOT, NOW + 50, not_found_message="There is no '\xe4gg'"),
            CacheEntry(Snapshot("", 0), NOW + 60),
        ],
        ids=["egg", "empty", "large", "absent", "least"],
    )
    def test_what_was_kept_comes_back_as_it_was(self, cache: Cache, kept: CacheEntry) -> None:
        cache.set("/egg", kept)
        assert [cache.get("/egg"), cache.get("/egg")] == [kept, kept]

    def test_a_key_is_any_text_and_names_one_answer(self, cache: Cache) -> None:
        for number, name in enumerate(CACHE_KEYS):
            cache.set(name, make_entry(str(number).encode()))
        found = [cache.get(name) for name in CACHE_KEYS]
        assert found == [make_entry(str(number).encode()) for number in range(len(CACHE_KEYS))]

    def test_what_is_kept_last_is_there(self, cache: Cache) -> None:
        cache.set("/egg", EGG_ENTRY)
        cache.set("/egg", make_entry(b"new"))
        assert cache.get("/egg") == make_entry(b"new")

    def test_an_answer_is_not_there_from_its_end_on(
        self, cache: Cache, clock: FakeMonotonicClock
    ) -> None:
        cache.set("/egg", make_entry(b"", expires_at=NOW + 20))
        cache.set("/milk", make_entry(b"", expires_at=NOW + 21))
        clock.now = NOW + 20
        assert cache.get("/egg") is None
        assert cache.get("/milk") is not None

    def test_one_that_is_over_takes_the_place_of_another(self, cache: Cache) -> None:
        cache.set("/egg", EGG_ENTRY)
        cache.set("/egg", make_entry(b"new", expires_at=NOW - 1))
        assert cache.get("/egg") is None

    def test_what_is_deleted_is_gone_and_nothing_else(self, cache: Cache) -> None:
        cache.delete("/nothing")
        cache.set("/egg", EGG_ENTRY)
        cache.set("/eggs", EGG_ENTRY)
        cache.delete("/egg")
        assert [cache.get("/egg"), cache.get("/eggs")] == [None, EGG_ENTRY]

    def test_all_is_gone_when_it_is_cleared(self, cache: Cache) -> None:
        cache.clear()
        for number in range(1_200):
            cache.set(f"/{number}", EGG_ENTRY)
        cache.clear()
        assert [cache.get(f"/{number}") for number in range(1_200)] == [None] * 1_200
        cache.set("/egg", EGG_ENTRY)
        assert cache.get("/egg") == EGG_ENTRY

    def test_many_at_once_see_whole_answers(self, cache: Cache) -> None:
        """Each body is one digit, over and over."""

        def play(number: int) -> None:
            digit = str(number % 10).encode()
            for turn in range(60):
                key = f"/{turn % 3}"
                cache.set(key, make_entry(digit * 2_000))
                found = cache.get(key)
                if found is not None:
                    assert len(found.response.body) == 2_000
                    assert len(set(found.response.body)) == 1
                if turn % 20 == 0:
                    cache.delete(key)
                if turn == number * 3:
                    cache.clear()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(play, range(16)))
