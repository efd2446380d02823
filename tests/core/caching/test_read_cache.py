from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Thread

import pytest
from attrs import evolve

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_for_event, wait_for_result, wait_until
from eggypro_adapters.memory import MemoryCache, MemoryInvalidationFeed
from eggypro_core.caching.entries import (
    ALL_TAGS,
    CATEGORY_TREE_TAG,
    CacheCounts,
    CachedResponse,
    ListTag,
    Snapshot,
    product_tag,
)
from eggypro_core.caching.read_cache import NOT_FOUND_TTL_SECONDS, RETRY_INTERVAL_SECONDS, ReadCache
from eggypro_core.errors import NotFoundError, UnavailableError

EGG, MILK = (product_tag("egg"), CATEGORY_TREE_TAG), (product_tag("milk"), CATEGORY_TREE_TAG)
TTL = 300


class FakeSource:
    """A source of responses that can be unavailable."""

    def __init__(self) -> None:
        self.text = "old"
        self.reads = 0
        self.is_down = False

    def __call__(self) -> CachedResponse:
        self.reads += 1
        if self.is_down:
            raise UnavailableError("down")
        return CachedResponse(self.text.encode())


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock(1_000)


@pytest.fixture
def feed() -> MemoryInvalidationFeed:
    return MemoryInvalidationFeed()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def monotonic_clock() -> FakeMonotonicClock:
    return FakeMonotonicClock(0)


@pytest.fixture
def cache(
    feed: MemoryInvalidationFeed, clock: FakeMonotonicClock, monotonic_clock: FakeMonotonicClock
) -> ReadCache:
    return ReadCache(
        MemoryCache(clock),
        None,
        feed,
        ttl_seconds=TTL,
        clock=clock,
        monotonic_clock=monotonic_clock,
    )


@pytest.fixture
def get(cache: ReadCache, source: FakeSource) -> Callable[[], tuple[str, str]]:
    def get() -> tuple[str, str]:
        response, status = cache.get_or_load("/egg", EGG, source)
        return response.body.decode(), status

    return get


Get = Callable[[], tuple[str, str]]


class RecordingFeed(MemoryInvalidationFeed):
    """A feed that records its checks. A request that joins a load makes one."""

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[Snapshot] = []

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        self.checks.append(snapshot)
        return super().is_stale(snapshot, tags)


class OtherFeed(MemoryInvalidationFeed):
    """The feed of another database."""

    def snapshot(self) -> Snapshot | None:
        snapshot = super().snapshot()
        return snapshot and evolve(snapshot, history="other")

    def is_stale(self, snapshot: Snapshot, tags: tuple[str, ...]) -> bool:
        is_own = snapshot.history == "other"
        return not is_own or super().is_stale(evolve(snapshot, history="memory"), tags)


def test_repeated_requests_are_served_from_the_cache(
    get: Get, source: FakeSource, cache: ReadCache
) -> None:
    assert [get() for _ in range(3)] == [("old", "miss"), ("old", "hit"), ("old", "hit")]
    assert source.reads == 1
    assert cache.counts == CacheCounts(hits=2, misses=1)


@pytest.mark.parametrize("tag", [*EGG, ALL_TAGS])
def test_a_write_to_any_tag_invalidates_the_response(
    get: Get, source: FakeSource, feed: MemoryInvalidationFeed, tag: str
) -> None:
    get()
    feed.invalidate(tag)
    source.text = "new"
    assert [get(), get()] == [("new", "miss"), ("new", "hit")]


@pytest.mark.parametrize("tag", [*MILK[:1], ListTag.PRICE])
def test_a_write_to_other_tags_keeps_the_response_cached(
    get: Get, feed: MemoryInvalidationFeed, tag: str
) -> None:
    get()
    feed.invalidate(tag)
    assert get() == ("old", "hit")


def test_a_load_overtaken_by_a_write_is_not_cached(
    cache: ReadCache, feed: MemoryInvalidationFeed, source: FakeSource, get: Get
) -> None:
    def slow() -> CachedResponse:
        old = source()
        feed.invalidate(EGG[0])  # a write commits before this load returns
        source.text = "new"
        return old

    assert cache.get_or_load("/egg", EGG, slow)[0].body == b"old"
    assert get() == ("new", "miss")


@pytest.mark.parametrize(
    ("is_down", "counts"), [(False, {"miss": 1, "hit": 99}), (True, {"unavailable": 100})]
)
def test_concurrent_requests_share_one_load_and_its_error(
    source: FakeSource, clock: FakeMonotonicClock, counts: dict[str, int], *, is_down: bool
) -> None:
    feed, outcomes = RecordingFeed(), list[str]()
    cache = ReadCache(MemoryCache(clock), None, feed, ttl_seconds=TTL, clock=clock)
    source.is_down = is_down

    def load() -> CachedResponse:
        wait_until(lambda: len(feed.checks) == 99)  # all others have joined
        return source()

    def request() -> None:
        try:
            outcomes.append(cache.get_or_load("/egg", EGG, load)[1])
        except UnavailableError:
            outcomes.append("unavailable")

    for _ in range(100):
        Thread(target=request, daemon=True).start()  # one that waits for ever blocks no exit
    wait_until(lambda: len(outcomes) == 100)
    assert Counter(outcomes) == counts
    assert source.reads == 1
    assert (cache.counts.misses, cache.counts.hits) == ((0, 0) if is_down else (1, 99))


def test_an_overtaken_load_does_not_end_the_load_that_replaced_it(
    cache: ReadCache, feed: MemoryInvalidationFeed, source: FakeSource
) -> None:
    has_started, may_end = [Event(), Event()], [Event(), Event()]

    def load(number: int) -> CachedResponse:
        has_started[number].set()
        wait_for_event(may_end[number])
        return source()

    with ThreadPoolExecutor(2) as threads:
        loads = []
        for number in range(2):
            feed.invalidate(EGG[0])
            request = partial(cache.get_or_load, "/egg", EGG, partial(load, number))
            loads.append(threads.submit(request))
            wait_for_event(has_started[number])
        may_end[0].set()
        wait_for_result(loads[0])
        assert [*cache._flights] == ["/egg"]
        may_end[1].set()
        wait_for_result(loads[1])
    assert not cache._flights


def test_a_request_after_a_write_does_not_join_an_earlier_load(
    cache: ReadCache, feed: MemoryInvalidationFeed, source: FakeSource, get: Get
) -> None:
    has_loaded, may_continue = Event(), Event()

    def slow() -> CachedResponse:
        old = source()
        has_loaded.set()
        wait_for_event(may_continue)
        return old

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(cache.get_or_load, "/egg", EGG, slow)
        wait_for_event(has_loaded)
        feed.invalidate(EGG[0])
        source.text = "new"
        assert cache.get_or_load("/egg", EGG, source)[0].body == b"new"
        may_continue.set()
        assert first.result()[0].body == b"old"
    assert get() == ("new", "hit")  # the earlier load has not replaced it


def test_a_request_after_a_commit_does_not_join_a_load_that_began_before_it(
    cache: ReadCache, feed: MemoryInvalidationFeed, source: FakeSource, get: Get
) -> None:
    """A write is announced before its commit; a read between the two misses it."""
    has_loaded, may_continue = Event(), Event()

    def slow() -> CachedResponse:
        old = source()
        has_loaded.set()
        wait_for_event(may_continue)
        return old

    with ThreadPoolExecutor(1) as threads:
        with feed.write(EGG[0]):
            first = threads.submit(cache.get_or_load, "/egg", EGG, slow)
            wait_for_event(has_loaded)
            source.text = "new"
        assert cache.get_or_load("/egg", EGG, source)[0].body == b"new"
        may_continue.set()
        first.result()
    assert get() == ("new", "hit")


def test_a_write_to_a_tag_that_the_load_returned_invalidates_the_response(
    cache: ReadCache, feed: MemoryInvalidationFeed
) -> None:
    def get(slug: str) -> bytes:
        response = CachedResponse(slug.encode(), tags=(product_tag(slug),))
        return cache.get_or_load("/list", (ListTag.NAME,), lambda: response)[0].body

    assert get("egg") == b"egg"
    feed.invalidate(product_tag("milk"))
    assert get("milk") == b"egg"
    feed.invalidate(product_tag("egg"))
    assert get("milk") == b"milk"
    feed.invalidate(ListTag.NAME)
    assert get("egg") == b"egg"


def test_a_request_does_not_use_an_earlier_load_that_missed_a_write_to_what_it_shows(
    clock: FakeMonotonicClock,
) -> None:
    """Only the load knows the tags. All requests that waited for it share the next one."""
    feed, texts, loads = RecordingFeed(), iter([b"old", b"new", b"newer"]), list[bytes]()
    cache = ReadCache(MemoryCache(clock), None, feed, ttl_seconds=TTL, clock=clock)
    may_end = [Event(), Event(), Event()]

    def load() -> CachedResponse:
        text = next(texts)
        loads.append(text)
        wait_for_event(may_end[len(loads) - 1])
        return CachedResponse(text, tags=(product_tag("egg"),))

    def request() -> bytes:
        return cache.get_or_load("/list", (ListTag.NAME,), load)[0].body

    with ThreadPoolExecutor(9) as threads:
        first = threads.submit(request)
        wait_until(lambda: loads)
        others = [threads.submit(request) for _ in range(8)]
        wait_until(lambda: len(feed.checks) == 8)  # all have joined
        feed.invalidate(product_tag("egg"))
        may_end[0].set()
        wait_until(lambda: len(feed.checks) == 8 + 1 + 8 + 7)  # all but a new leader joined again
        feed.invalidate(product_tag("egg"))  # but not before any of the requests
        may_end[1].set()
        assert wait_for_result(first) == b"old"
        assert [wait_for_result(other) for other in others] == [b"new"] * 8


def test_a_failed_load_is_not_cached(cache: ReadCache, source: FakeSource) -> None:
    source.is_down = True
    with pytest.raises(UnavailableError):
        cache.get_or_load("/egg", EGG, source)
    source.is_down = False
    assert cache.get_or_load("/egg", EGG, source)[1] == "miss"


def test_every_request_loads_while_the_feed_is_down(
    get: Get, feed: MemoryInvalidationFeed, source: FakeSource
) -> None:
    get()
    feed.is_connected = False
    source.text = "new"
    assert [get(), get()] == [("new", "miss"), ("new", "miss")]


def test_stale_responses_are_served_while_the_database_is_down(
    get: Get,
    feed: MemoryInvalidationFeed,
    source: FakeSource,
    clock: FakeMonotonicClock,
    cache: ReadCache,
) -> None:
    get()
    feed.is_connected, source.is_down = False, True
    assert get() == ("old", "stale")
    assert cache.counts.stale == 1
    clock.now += TTL * 1.2
    with pytest.raises(UnavailableError):
        get()


def test_one_request_at_a_time_retries_an_unavailable_database(
    feed: MemoryInvalidationFeed,
    source: FakeSource,
    clock: FakeMonotonicClock,
    monotonic_clock: FakeMonotonicClock,
    cache: ReadCache,
    get: Get,
) -> None:
    get()
    feed.is_connected, source.is_down = False, True
    for _ in range(5):
        assert get() == ("old", "stale")
        with pytest.raises(UnavailableError):
            cache.get_or_load("/milk", MILK, source)
    assert source.reads == 2
    clock.now -= 3600  # the time of day may jump
    monotonic_clock.now += RETRY_INTERVAL_SECONDS

    def silent() -> CachedResponse:
        assert get() == ("old", "stale")  # other requests do not wait for it
        return source()

    with pytest.raises(UnavailableError):
        cache.get_or_load("/milk", MILK, silent)
    monotonic_clock.now += RETRY_INTERVAL_SECONDS
    source.is_down = False
    assert [get(), get()] == [("old", "miss"), ("old", "miss")]


def test_busy_database_is_asked_by_every_request(
    feed: MemoryInvalidationFeed, source: FakeSource, cache: ReadCache
) -> None:
    def busy() -> CachedResponse:
        raise UnavailableError("All connections are busy", retry_after=5)

    feed.is_connected = False
    with pytest.raises(UnavailableError, match="busy"):
        cache.get_or_load("/milk", MILK, busy)
    assert cache.get_or_load("/milk", MILK, source)[1] == "miss"


def test_invalidated_responses_are_not_served_as_stale(
    get: Get, feed: MemoryInvalidationFeed, source: FakeSource
) -> None:
    get()
    feed.invalidate(EGG[0])
    feed.is_connected, source.is_down = False, True
    with pytest.raises(UnavailableError):
        get()


def test_one_request_refreshes_an_entry_before_it_expires(
    get: Get, source: FakeSource, clock: FakeMonotonicClock, cache: ReadCache
) -> None:
    get()
    clock.now += TTL * 0.7
    assert get() == ("old", "hit")
    clock.now += TTL * 0.19  # at 0.89 of a lifetime between 0.9 and 1.1
    source.text = "new"
    with ThreadPoolExecutor(1) as other_requests:

        def refresh() -> CachedResponse:
            assert wait_for_result(other_requests.submit(get)) == ("old", "hit")
            return source()

        statuses = list[str]()
        while clock.now < 1_000 + TTL * 1.1 and "miss" not in statuses:
            statuses.append(cache.get_or_load("/egg", EGG, refresh)[1])
            clock.now += 1
    assert statuses[-1] == "miss"
    assert get() == ("new", "hit")


def test_responses_loaded_together_expire_apart(
    cache: ReadCache, clock: FakeMonotonicClock
) -> None:
    loads = [0] * 50

    def load(index: int) -> Callable[[], CachedResponse]:
        def load_response() -> CachedResponse:
            loads[index] += 1
            return CachedResponse(b"")

        return load_response

    for index in range(50):
        cache.get_or_load(str(index), EGG, load(index))
    clock.now += TTL * 0.9
    for index in range(50):
        cache.get_or_load(str(index), EGG, load(index))
    assert {1, 2} == set(loads)


def test_not_found_errors_are_cached_briefly(
    cache: ReadCache, feed: MemoryInvalidationFeed, clock: FakeMonotonicClock
) -> None:
    loads = []

    def load() -> CachedResponse:
        loads.append(1)
        raise NotFoundError("No egg")

    def count_loads() -> int:
        with pytest.raises(NotFoundError, match="No egg"):
            cache.get_or_load("/egg", EGG, load)
        return len(loads)

    assert [count_loads(), count_loads()] == [1, 1]
    clock.now += NOT_FOUND_TTL_SECONDS + 1
    assert count_loads() == 2
    feed.invalidate(EGG[0])
    assert count_loads() == 3


def test_uncacheable_responses_are_not_stored(cache: ReadCache) -> None:
    uncacheable = CachedResponse(b"nothing found", is_cacheable=False)
    assert [cache.get_or_load("/search", EGG, lambda: uncacheable)[1] for _ in range(2)] == [
        "miss"
    ] * 2


def test_the_shared_cache_serves_other_workers(
    feed: MemoryInvalidationFeed, clock: FakeMonotonicClock, source: FakeSource
) -> None:
    shared = MemoryCache(clock)
    first, second = (
        ReadCache(MemoryCache(clock), shared, feed, ttl_seconds=TTL, clock=clock) for _ in range(2)
    )
    assert first.get_or_load("/egg", EGG, source)[1] == "miss"
    assert second.get_or_load("/egg", EGG, source)[1] == "hit"
    feed.invalidate(EGG[0])
    assert second.get_or_load("/egg", EGG, source)[1] == "miss"
    assert first.get_or_load("/egg", EGG, source)[1] == "hit"
    assert source.reads == 2


def test_shops_with_other_databases_do_not_replace_entries_in_the_shared_cache(
    feed: MemoryInvalidationFeed, clock: FakeMonotonicClock, source: FakeSource
) -> None:
    shared, feeds = MemoryCache(clock), [feed, OtherFeed()]
    statuses = [
        ReadCache(MemoryCache(clock), shared, own, ttl_seconds=TTL, clock=clock).get_or_load(
            "/egg", EGG, source
        )[1]
        for own in feeds * 2
    ]
    assert statuses == ["miss", "miss", "hit", "hit"]
