"""Contract suite of `ZeroResultStore`."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.ports import ZeroResultStore
from eggypro_core.search.zero_results import MAX_ZERO_RESULT_TERMS, ZeroResultSearch

LATER = NOON + timedelta(hours=1)


def list_words(store: ZeroResultStore) -> list[str]:
    """Return the words of all zero-result searches, in order."""
    return [search.words for search in store.list(MAX_ZERO_RESULT_TERMS + 1)]


class ZeroResultStoreContract:
    """Subclasses provide the fixture `store`: an empty one."""

    def test_a_new_store_is_empty(self, store: ZeroResultStore) -> None:
        assert store.list(10) == ()
        store.clear()

    def test_searches_are_counted_with_their_latest_time(self, store: ZeroResultStore) -> None:
        store.record("duck egg", NOON)
        store.record("duck egg", LATER)
        store.record("duck egg", NOON)
        store.record("duck", NOON)
        assert store.list(10) == (
            ZeroResultSearch("duck egg", 3, LATER),
            ZeroResultSearch("duck", 1, NOON),
        )

    def test_searches_are_sorted_by_count_then_time_then_words(
        self, store: ZeroResultStore
    ) -> None:
        for words in ("b", "ä", "z", "a", "often", "often"):
            store.record(words, LATER if words == "z" else NOON)
        assert list_words(store) == ["often", "z", "a", "b", "ä"]
        assert [search.words for search in store.list(2)] == ["often", "z"]

    def test_clear_resets_the_counts(self, store: ZeroResultStore) -> None:
        store.record("duck", NOON)
        store.record("duck", NOON)
        store.clear()
        assert store.list(10) == ()
        store.record("duck", LATER)
        assert store.list(10) == (ZeroResultSearch("duck", 1, LATER),)

    def test_prune_deletes_searches_that_last_occurred_before(self, store: ZeroResultStore) -> None:
        for words, at in (("old", NOON), ("again", NOON), ("again", LATER), ("new", LATER)):
            store.record(words, at)
        assert store.prune(NOON) == 0
        assert store.prune(LATER) == 1
        assert list_words(store) == ["again", "new"]

    def test_concurrent_searches_are_all_counted(self, store: ZeroResultStore) -> None:
        with ThreadPoolExecutor(50) as threads:
            list(threads.map(lambda _: store.record("duck", NOON), range(50)))
        assert store.list(10) == (ZeroResultSearch("duck", 50, NOON),)

    def test_a_flood_of_new_words_keeps_the_frequent_within_the_limit(
        self, store: ZeroResultStore
    ) -> None:
        frequent = [f"frequent {number}" for number in range(5)]
        for words in frequent * 2:
            store.record(words, NOON)
        for number in range(MAX_ZERO_RESULT_TERMS + 100):
            store.record(f"flood {number}", NOON + timedelta(seconds=number))
        terms = list_words(store)
        assert len(terms) == MAX_ZERO_RESULT_TERMS
        newest = [f"flood {number}" for number in range(MAX_ZERO_RESULT_TERMS + 99, 104, -1)]
        assert terms == frequent + newest
        store.record("frequent 0", NOON)
        assert list_words(store) == ["frequent 0", *frequent[1:], *newest]

    def test_a_new_word_replaces_the_least_recent(self, store: ZeroResultStore) -> None:
        for number in range(MAX_ZERO_RESULT_TERMS):
            for _ in range(2):
                store.record(f"{number:04}", NOON + timedelta(seconds=number))
        store.record("new", LATER)
        store.record("new", LATER)
        terms = list_words(store)
        assert len(terms) == MAX_ZERO_RESULT_TERMS
        assert terms[0] == "new"
        assert "0000" not in terms

    def test_a_concurrent_flood_keeps_the_frequent_within_the_limit(
        self, store: ZeroResultStore
    ) -> None:
        def flood(number: int) -> None:
            store.record(f"flood {number}" if number % 20 else "frequent", NOON)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(flood, range(1300)))
        store.record("last", NOON)
        assert len(list_words(store)) == MAX_ZERO_RESULT_TERMS
        assert store.list(1) == (ZeroResultSearch("frequent", 65, NOON),)
