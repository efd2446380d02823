from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.memory import MemoryCache, MemoryInvalidationFeed
from eggypro_core.caching.entries import (
    ALL_TAGS,
    CATEGORY_TREE_TAG,
    PRODUCT_LISTS_TAG,
    CacheCounts,
    CachedResponse,
    product_tag,
)
from eggypro_core.caching.read_cache import NOT_FOUND_TTL_SECONDS, RETRY_INTERVAL_SECONDS, ReadCache
from eggypro_core.errors import NotFoundError, UnavailableError

EGG, MILK = (product_tag("egg"), CATEGORY_TREE_TAG), (product_tag("milk"), CATEGORY_TREE_TAG)
TTL = 300


class FakeSource:
    """What is read: texts, which may be away."""

    def __init__(self) -> None:
        self.text = "old"
        self.reads = 0
        self.is_away = False

    def __call__(self) -> CachedResponse:
        self.reads += 1
        if self.is_away:
            raise UnavailableError("away")
        return CachedResponse(self.text.encode())


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock(1_000)


@pytest.fixture
def changes() -> MemoryInvalidationFeed:
    return MemoryInvalidationFeed()


@pytest.fixture
def shelf() -> FakeSource:
    return FakeSource()


@pytest.fixture
def cache(changes: MemoryInvalidationFeed, clock: FakeMonotonicClock) -> ReadCache:
    return ReadCache(MemoryCache(clock), None, changes, ttl_seconds=TTL, clock=clock)


@pytest.fixture
def ask(cache: ReadCache, shelf: FakeSource) -> Callable[[], tuple[str, str]]:
    def asked() -> tuple[str, str]:
        rendering, outcome = cache.get_or_load("/egg", EGG, shelf)
        return rendering.body.decode(), outcome

    return asked


Ask = Callable[[], tuple[str, str]]


def test_what_was_read_once_is_not_read_again(
    ask: Ask, shelf: FakeSource, cache: ReadCache
) -> None:
    assert [ask() for _ in range(3)] == [("old", "miss"), ("old", "hit"), ("old", "hit")]
    assert shelf.reads == 1
    assert cache.counts == CacheCounts(hits=2, misses=1)


@pytest.mark.parametrize("tag", [*EGG, ALL_TAGS])
def test_a_write_under_any_of_its_tags_ends_an_answer(
    ask: Ask, shelf: FakeSource, changes: MemoryInvalidationFeed, tag: str
) -> None:
    ask()
    changes.invalidate(tag)
    shelf.text = "new"
    assert [ask(), ask()] == [("new", "miss"), ("new", "hit")]


@pytest.mark.parametrize("tag", [*MILK[:1], PRODUCT_LISTS_TAG])
def test_a_write_elsewhere_leaves_it(ask: Ask, changes: MemoryInvalidationFeed, tag: str) -> None:
    ask()
    changes.invalidate(tag)
    assert ask() == ("old", "hit")


def test_a_reader_who_is_late_leaves_nothing_old_behind(
    cache: ReadCache, changes: MemoryInvalidationFeed, shelf: FakeSource, ask: Ask
) -> None:
    def slow() -> CachedResponse:
        old = shelf()
        changes.invalidate(EGG[0])  # somebody writes, and is answered, before this reader goes on
        shelf.text = "new"
        return old

    assert cache.get_or_load("/egg", EGG, slow)[0].body == b"old"
    assert ask() == ("new", "miss")


def test_many_who_need_the_same_at_once_cause_one_read(cache: ReadCache) -> None:
    together, reads = Barrier(200), []

    def load() -> CachedResponse:
        reads.append(1)
        return CachedResponse(b"egg")

    def one(_: int) -> bytes:
        together.wait()
        return cache.get_or_load("/egg", EGG, load)[0].body

    with ThreadPoolExecutor(200) as threads:
        assert set(threads.map(one, range(200))) == {b"egg"}
    assert len(reads) == 1
    assert sum((cache.counts.hits, cache.counts.misses)) == 200


def test_who_comes_after_a_write_does_not_wait_for_a_read_before_it(
    cache: ReadCache, changes: MemoryInvalidationFeed, shelf: FakeSource
) -> None:
    has_read, may_go = Event(), Event()

    def slow() -> CachedResponse:
        old = shelf()
        has_read.set()
        may_go.wait()
        return old

    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(cache.get_or_load, "/egg", EGG, slow)
        has_read.wait()
        changes.invalidate(EGG[0])
        shelf.text = "new"
        assert cache.get_or_load("/egg", EGG, shelf)[0].body == b"new"
        may_go.set()
        assert first.result()[0].body == b"old"
    assert cache.get_or_load("/egg", EGG, shelf)[0].body == b"new"


def test_who_comes_after_a_commit_does_not_wait_for_a_read_that_began_before_it(
    cache: ReadCache, changes: MemoryInvalidationFeed, shelf: FakeSource
) -> None:
    """A write is known of before its commit; a read between the two misses it all the same."""
    has_read, may_go = Event(), Event()

    def slow() -> CachedResponse:
        old = shelf()
        has_read.set()
        may_go.wait()
        return old

    with ThreadPoolExecutor(1) as threads:
        with changes.write(EGG[0]):
            first = threads.submit(cache.get_or_load, "/egg", EGG, slow)
            has_read.wait()
            shelf.text = "new"
        assert cache.get_or_load("/egg", EGG, shelf)[0].body == b"new"
        may_go.set()
        first.result()
    assert cache.get_or_load("/egg", EGG, shelf)[0].body == b"new"


def test_all_who_wait_for_a_read_hear_that_it_failed(cache: ReadCache, shelf: FakeSource) -> None:
    shelf.is_away = True
    with pytest.raises(UnavailableError):
        cache.get_or_load("/egg", EGG, shelf)
    shelf.is_away = False
    assert cache.get_or_load("/egg", EGG, shelf)[1] == "miss"


def test_while_nobody_can_tell_what_is_written_everything_is_read(
    ask: Ask, changes: MemoryInvalidationFeed, shelf: FakeSource
) -> None:
    ask()
    changes.is_connected = False
    shelf.text = "new"
    assert [ask(), ask()] == [("new", "miss"), ("new", "miss")]


def test_what_is_kept_is_given_while_the_database_is_away(
    ask: Ask,
    changes: MemoryInvalidationFeed,
    shelf: FakeSource,
    clock: FakeMonotonicClock,
    cache: ReadCache,
) -> None:
    ask()
    changes.is_connected, shelf.is_away = False, True
    assert ask() == ("old", "stale")
    assert cache.counts.stale == 1
    clock.now += TTL * 1.2
    with pytest.raises(UnavailableError):
        ask()


def test_a_database_that_is_away_is_tried_by_one_at_a_time(
    changes: MemoryInvalidationFeed,
    shelf: FakeSource,
    clock: FakeMonotonicClock,
    cache: ReadCache,
    ask: Ask,
) -> None:
    ask()
    changes.is_connected, shelf.is_away = False, True
    for _ in range(5):
        assert ask() == ("old", "stale")
        with pytest.raises(UnavailableError):
            cache.get_or_load("/milk", MILK, shelf)
    assert shelf.reads == 2
    clock.now += RETRY_INTERVAL_SECONDS

    def silent() -> CachedResponse:
        assert ask() == ("old", "stale")  # others do not wait for it
        return shelf()

    with pytest.raises(UnavailableError):
        cache.get_or_load("/milk", MILK, silent)
    clock.now += RETRY_INTERVAL_SECONDS
    shelf.is_away = False
    assert [ask(), ask()] == [("old", "miss"), ("old", "miss")]


def test_what_is_known_to_be_outdated_is_not_given_even_then(
    ask: Ask, changes: MemoryInvalidationFeed, shelf: FakeSource
) -> None:
    ask()
    changes.invalidate(EGG[0])
    changes.is_connected, shelf.is_away = False, True
    with pytest.raises(UnavailableError):
        ask()


def test_an_answer_is_made_anew_before_it_ends(
    ask: Ask, shelf: FakeSource, clock: FakeMonotonicClock, cache: ReadCache
) -> None:
    ask()
    clock.now += TTL * 0.7
    assert ask() == ("old", "hit")
    clock.now += TTL * 0.19  # at 0.89 of a life that is between 0.9 and 1.1 long
    shelf.text = "new"

    def renewed() -> CachedResponse:
        assert ask() == ("old", "hit")  # others go on meanwhile
        return shelf()

    clock.now += TTL * 0.005
    outcomes = []
    while "miss" not in outcomes:
        outcomes.append(cache.get_or_load("/egg", EGG, renewed)[1])
        clock.now += 1
    assert ask() == ("new", "hit")


def test_answers_made_together_do_not_end_together(
    cache: ReadCache, clock: FakeMonotonicClock
) -> None:
    loads = [0] * 50

    def load(place: int) -> Callable[[], CachedResponse]:
        def loaded() -> CachedResponse:
            loads[place] += 1
            return CachedResponse(b"")

        return loaded

    for place in range(50):
        cache.get_or_load(str(place), EGG, load(place))
    clock.now += TTL * 0.9
    for place in range(50):
        cache.get_or_load(str(place), EGG, load(place))
    assert {1, 2} == set(loads)


def test_that_something_is_absent_is_remembered_briefly(
    cache: ReadCache, changes: MemoryInvalidationFeed, clock: FakeMonotonicClock
) -> None:
    asked = []

    def load() -> CachedResponse:
        asked.append(1)
        raise NotFoundError("No egg")

    def times_asked() -> int:
        with pytest.raises(NotFoundError, match="No egg"):
            cache.get_or_load("/egg", EGG, load)
        return len(asked)

    assert [times_asked(), times_asked()] == [1, 1]
    clock.now += NOT_FOUND_TTL_SECONDS + 1
    assert times_asked() == 2
    changes.invalidate(EGG[0])
    assert times_asked() == 3


def test_what_does_not_last_is_not_kept(cache: ReadCache) -> None:
    passing = CachedResponse(b"nothing found", is_cacheable=False)
    assert [cache.get_or_load("/search", EGG, lambda: passing)[1] for _ in range(2)] == ["miss"] * 2


def test_a_shared_cache_serves_who_has_nothing_yet(
    changes: MemoryInvalidationFeed, clock: FakeMonotonicClock, shelf: FakeSource
) -> None:
    shared = MemoryCache(clock)
    one, other = (
        ReadCache(MemoryCache(clock), shared, changes, ttl_seconds=TTL, clock=clock)
        for _ in range(2)
    )
    assert one.get_or_load("/egg", EGG, shelf)[1] == "miss"
    assert other.get_or_load("/egg", EGG, shelf)[1] == "hit"
    changes.invalidate(EGG[0])
    assert other.get_or_load("/egg", EGG, shelf)[1] == "miss"
    assert one.get_or_load("/egg", EGG, shelf)[1] == "hit"
    assert shelf.reads == 2
