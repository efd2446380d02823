"""Contract suite of `InvalidationFeed`."""

from collections.abc import Callable

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_core.caching.entries import ALL_TAGS, Snapshot, product_tag
from eggypro_core.caching.ports import InvalidationFeed

EGG, MILK = (product_tag("egg"),), (product_tag("milk"),)
WriteTag = Callable[[str], None]


def wait_for_snapshot(feed: InvalidationFeed) -> Snapshot:
    """Return the first snapshot of a connected feed."""
    return wait_until(feed.snapshot)


def wait_for_current_snapshot(feed: InvalidationFeed, tags: tuple[str, ...]) -> Snapshot:
    """Return a snapshot that includes every known write to `tags`."""

    def current() -> Snapshot | None:
        snapshot = wait_for_snapshot(feed)
        return None if feed.is_stale(snapshot, tags) else snapshot

    return wait_until(current)


class InvalidationFeedContract:
    """Subclasses provide the fixtures `feed` and `write_tag`, which writes something with a tag."""

    @pytest.fixture
    def feed(self) -> InvalidationFeed:
        raise NotImplementedError

    @pytest.fixture
    def write_tag(self) -> WriteTag:
        raise NotImplementedError

    def test_a_snapshot_is_current_without_writes(self, feed: InvalidationFeed) -> None:
        assert not feed.is_stale(wait_for_current_snapshot(feed, EGG), EGG)

    @pytest.mark.parametrize("tag", [*EGG, ALL_TAGS])
    def test_a_write_makes_earlier_snapshots_stale(
        self, feed: InvalidationFeed, write_tag: WriteTag, tag: str
    ) -> None:
        before = wait_for_snapshot(feed)
        write_tag(tag)
        assert feed.is_stale(before, EGG)
        assert feed.is_stale(before, (*MILK, *EGG))

    def test_a_snapshot_after_a_write_is_current(
        self, feed: InvalidationFeed, write_tag: WriteTag
    ) -> None:
        write_tag(EGG[0])
        after = wait_for_current_snapshot(feed, EGG)
        write_tag(MILK[0])
        assert not feed.is_stale(after, EGG)
        assert feed.is_stale(after, MILK)

    def test_a_snapshot_of_another_history_is_stale(self, feed: InvalidationFeed) -> None:
        snapshot = wait_for_snapshot(feed)
        assert feed.is_stale(Snapshot("another", snapshot.number + 1_000_000), EGG)
