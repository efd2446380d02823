"""What every ZeroResultStore must do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from eggypro_core.ports import ZeroResultStore
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


def list_words(store: ZeroResultStore) -> list[str]:
    """Return the words of all that were missed, in their order."""
    return [one.words for one in store.list(MAX_ZERO_RESULT_TERMS + 1)]


class ZeroResultStoreContract:
    """A subclass gives the fixture `misses`: an empty one."""

    def test_nothing_was_missed_yet(self, misses: ZeroResultStore) -> None:
        assert misses.list(10) == ()
        misses.clear()

    def test_each_search_counts_and_the_last_time_is_told(self, misses: ZeroResultStore) -> None:
        misses.record("duck egg", NOON)
        misses.record("duck egg", LATER)
        misses.record("duck egg", NOON)
        misses.record("duck", NOON)
        assert misses.list(10) == (
            ZeroResultSearch("duck egg", 3, LATER),
            ZeroResultSearch("duck", 1, NOON),
        )

    def test_the_most_frequent_come_first_then_the_latest_then_by_words(
        self, misses: ZeroResultStore
    ) -> None:
        for each in ("b", "ä", "z", "a", "often", "often"):
            misses.record(each, LATER if each == "z" else NOON)
        assert list_words(misses) == ["often", "z", "a", "b", "ä"]
        assert [one.words for one in misses.list(2)] == ["often", "z"]

    def test_what_is_cleared_is_forgotten_and_counts_anew(self, misses: ZeroResultStore) -> None:
        misses.record("duck", NOON)
        misses.record("duck", NOON)
        misses.clear()
        assert misses.list(10) == ()
        misses.record("duck", LATER)
        assert misses.list(10) == (ZeroResultSearch("duck", 1, LATER),)

    def test_of_many_at_once_each_counts(self, misses: ZeroResultStore) -> None:
        with ThreadPoolExecutor(50) as threads:
            list(threads.map(lambda _: misses.record("duck", NOON), range(50)))
        assert misses.list(10) == (ZeroResultSearch("duck", 50, NOON),)

    def test_a_flood_of_other_words_leaves_the_frequent_and_no_more_than_are_kept(
        self, misses: ZeroResultStore
    ) -> None:
        frequent = [f"wanted {number}" for number in range(5)]
        for each in frequent * 2:
            misses.record(each, NOON)
        for number in range(MAX_ZERO_RESULT_TERMS + 100):
            misses.record(f"flood {number}", NOON + timedelta(seconds=number))
        found = list_words(misses)
        assert len(found) == MAX_ZERO_RESULT_TERMS
        newest = [f"flood {number}" for number in range(MAX_ZERO_RESULT_TERMS + 99, 104, -1)]
        assert found == frequent + newest
        misses.record("wanted 0", NOON)
        assert list_words(misses) == ["wanted 0", *frequent[1:], *newest]

    def test_a_new_word_finds_room_among_the_frequent(self, misses: ZeroResultStore) -> None:
        for number in range(MAX_ZERO_RESULT_TERMS):
            for _ in range(2):
                misses.record(f"{number:04}", NOON + timedelta(seconds=number))
        misses.record("new", LATER)
        misses.record("new", LATER)
        found = list_words(misses)
        assert len(found) == MAX_ZERO_RESULT_TERMS
        assert found[0] == "new"
        assert "0000" not in found

    def test_a_flood_of_many_at_once_is_bounded_and_leaves_the_frequent(
        self, misses: ZeroResultStore
    ) -> None:
        def flood(number: int) -> None:
            misses.record(f"flood {number}" if number % 20 else "wanted", NOON)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(flood, range(1300)))
        misses.record("last", NOON)
        assert len(list_words(misses)) == MAX_ZERO_RESULT_TERMS
        assert misses.list(1) == (ZeroResultSearch("wanted", 65, NOON),)
