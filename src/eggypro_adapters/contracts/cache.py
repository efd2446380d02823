"""What every Cache must do."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_core.caching.entries import Kept, Moment, Rendering
from eggypro_core.caching.ports import Cache

NOW = 1_800_000_000.0
SEEN = Moment("16384-1792000000123456", 9_007_199_254_740_993)
HEADERS = {
    "etag": '"7.a1"',
    "last-modified": "Thu, 01 Jan 2026 12:00:00 GMT",
    "x": "\xe4 \U0001f95a",
}
EGG = Kept(SEEN, NOW + 300.25, Rendering(b'{"name": "Egg"}\r\n\x00\xff', HEADERS))
NAMES = [
    "",
    "/api/products?search=egg white&limit=2",
    "\xe4 {a} {b}",
    "*",
    "eggypro:?[x]",
    "line\r\nbreak\0",
    "\udc80",
    "k" * 9_000,
]


def an_answer(body: bytes, ends: float = NOW + 300) -> Kept:
    """Return an answer that ends at a second."""
    return Kept(SEEN, ends, Rendering(body))


class CacheContract:
    """A subclass gives the fixture `cache`, an empty one whose clock is `clock`."""

    @pytest.fixture
    def clock(self) -> FakeSeconds:
        return FakeSeconds(NOW)

    @pytest.fixture
    def cache(self, clock: FakeSeconds) -> Cache:
        raise NotImplementedError

    def test_what_nobody_kept_is_not_there(self, cache: Cache) -> None:
        assert cache.get("/egg") is None

    @pytest.mark.parametrize(
        "kept",
        [
            EGG,
            an_answer(b""),
            an_answer(b"x" * 1_000_000),
            Kept(SEEN, NOW + 50, absent="There is no '\xe4gg'"),
            Kept(Moment("", 0), NOW + 60),
        ],
        ids=["egg", "empty", "large", "absent", "least"],
    )
    def test_what_was_kept_comes_back_as_it_was(self, cache: Cache, kept: Kept) -> None:
        cache.set("/egg", kept)
        assert [cache.get("/egg"), cache.get("/egg")] == [kept, kept]

    def test_a_key_is_any_text_and_names_one_answer(self, cache: Cache) -> None:
        for number, name in enumerate(NAMES):
            cache.set(name, an_answer(str(number).encode()))
        found = [cache.get(name) for name in NAMES]
        assert found == [an_answer(str(number).encode()) for number in range(len(NAMES))]

    def test_what_is_kept_last_is_there(self, cache: Cache) -> None:
        cache.set("/egg", EGG)
        cache.set("/egg", an_answer(b"new"))
        assert cache.get("/egg") == an_answer(b"new")

    def test_an_answer_is_not_there_from_its_end_on(self, cache: Cache, clock: FakeSeconds) -> None:
        cache.set("/egg", an_answer(b"", ends=NOW + 20))
        cache.set("/milk", an_answer(b"", ends=NOW + 21))
        clock.now = NOW + 20
        assert cache.get("/egg") is None
        assert cache.get("/milk") is not None

    def test_one_that_is_over_takes_the_place_of_another(self, cache: Cache) -> None:
        cache.set("/egg", EGG)
        cache.set("/egg", an_answer(b"new", ends=NOW - 1))
        assert cache.get("/egg") is None

    def test_what_is_deleted_is_gone_and_nothing_else(self, cache: Cache) -> None:
        cache.delete("/nothing")
        cache.set("/egg", EGG)
        cache.set("/eggs", EGG)
        cache.delete("/egg")
        assert [cache.get("/egg"), cache.get("/eggs")] == [None, EGG]

    def test_all_is_gone_when_it_is_cleared(self, cache: Cache) -> None:
        cache.clear()
        for number in range(1_200):
            cache.set(f"/{number}", EGG)
        cache.clear()
        assert [cache.get(f"/{number}") for number in range(1_200)] == [None] * 1_200
        cache.set("/egg", EGG)
        assert cache.get("/egg") == EGG

    def test_many_at_once_see_whole_answers(self, cache: Cache) -> None:
        """Each body is one digit, over and over."""

        def play(number: int) -> None:
            digit = str(number % 10).encode()
            for turn in range(60):
                key = f"/{turn % 3}"
                cache.set(key, an_answer(digit * 2_000))
                found = cache.get(key)
                if found is not None:
                    assert len(found.rendering.body) == 2_000
                    assert len(set(found.rendering.body)) == 1
                if turn % 20 == 0:
                    cache.delete(key)
                if turn == number * 3:
                    cache.clear()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(play, range(16)))
