"""Contract suite of `Cache`."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_core.caching.entries import CachedResponse, CacheEntry, Snapshot
from eggypro_core.caching.ports import Cache

NOW = 1_800_000_000.0
SNAPSHOT = Snapshot("16384-1792000000123456", 9_007_199_254_740_993, 9_007_199_254_740_995)
HEADERS = {
    "etag": '"7.a1"',
    "last-modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    "x": "\xe4 \U0001f95a",
}
LIST_TAGS = tuple(f"product:{number:0>255}" for number in range(100))
"""More tags than any list has."""
EGG_ENTRY = CacheEntry(
    SNAPSHOT,
    NOW + 300.25,
    CachedResponse(b'{"name": "Egg"}\r\n\x00\xff', HEADERS, tags=("product:egg", "categories")),
)
LIST_ENTRY = CacheEntry(SNAPSHOT, NOW + 300, CachedResponse(b"[]", tags=LIST_TAGS))
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
    """Return a cached response that expires at `expires_at`."""
    return CacheEntry(SNAPSHOT, expires_at, CachedResponse(body))


class CacheContract:
    """Subclasses provide the fixture `cache`: an empty cache whose clock is `clock`."""

    @pytest.fixture
    def clock(self) -> FakeMonotonicClock:
        return FakeMonotonicClock(NOW)

    @pytest.fixture
    def cache(self, clock: FakeMonotonicClock) -> Cache:
        raise NotImplementedError

    def test_unknown_key_returns_none(self, cache: Cache) -> None:
        assert cache.get("/egg") is None

    @pytest.mark.parametrize(
        "entry",
        [
            EGG_ENTRY,
            make_entry(b""),
            make_entry(b"x" * 1_000_000),
            CacheEntry(SNAPSHOT, NOW + 50, not_found_message="There is no '\xe4gg'"),
            CacheEntry(Snapshot("", 0), NOW + 60),
            LIST_ENTRY,
        ],
        ids=["egg", "empty", "large", "not found", "minimal", "list"],
    )
    def test_get_returns_the_stored_entry(self, cache: Cache, entry: CacheEntry) -> None:
        cache.set("/egg", entry)
        assert [cache.get("/egg"), cache.get("/egg")] == [entry, entry]

    def test_keys_may_be_any_text_and_are_distinct(self, cache: Cache) -> None:
        for number, key in enumerate(CACHE_KEYS):
            cache.set(key, make_entry(str(number).encode()))
        entries = [cache.get(key) for key in CACHE_KEYS]
        assert entries == [make_entry(str(number).encode()) for number in range(len(CACHE_KEYS))]

    def test_set_replaces_the_former_entry(self, cache: Cache) -> None:
        cache.set("/egg", EGG_ENTRY)
        cache.set("/egg", make_entry(b"new"))
        assert cache.get("/egg") == make_entry(b"new")

    def test_an_entry_expires_at_its_time(self, cache: Cache, clock: FakeMonotonicClock) -> None:
        cache.set("/egg", make_entry(b"", expires_at=NOW + 20))
        cache.set("/milk", make_entry(b"", expires_at=NOW + 21))
        clock.now = NOW + 20
        assert cache.get("/egg") is None
        assert cache.get("/milk") is not None

    def test_an_expired_entry_replaces_a_fresh_one(self, cache: Cache) -> None:
        cache.set("/egg", EGG_ENTRY)
        cache.set("/egg", make_entry(b"new", expires_at=NOW - 1))
        assert cache.get("/egg") is None

    def test_delete_removes_only_its_key(self, cache: Cache) -> None:
        cache.delete("/nothing")
        cache.set("/egg", EGG_ENTRY)
        cache.set("/eggs", EGG_ENTRY)
        cache.delete("/egg")
        assert [cache.get("/egg"), cache.get("/eggs")] == [None, EGG_ENTRY]

    def test_clear_removes_all_entries(self, cache: Cache) -> None:
        cache.clear()
        for number in range(1_200):
            cache.set(f"/{number}", EGG_ENTRY)
        cache.clear()
        assert [cache.get(f"/{number}") for number in range(1_200)] == [None] * 1_200
        cache.set("/egg", EGG_ENTRY)
        assert cache.get("/egg") == EGG_ENTRY

    def test_concurrent_readers_get_whole_entries(self, cache: Cache) -> None:
        """Each body repeats one digit, so that a mixed one would show."""

        def use_cache(number: int) -> None:
            digit = str(number % 10).encode()
            for turn in range(60):
                key = f"/{turn % 3}"
                cache.set(key, make_entry(digit * 2_000))
                entry = cache.get(key)
                if entry is not None:
                    assert len(entry.response.body) == 2_000
                    assert len(set(entry.response.body)) == 1
                if turn % 20 == 0:
                    cache.delete(key)
                if turn == number * 3:
                    cache.clear()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(use_cache, range(16)))
