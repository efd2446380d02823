"""What every Changes must do."""

from collections.abc import Callable

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_core.caching.entries import ALL_TAGS, Snapshot, product_tag
from eggypro_core.caching.ports import InvalidationFeed

EGG, MILK = (product_tag("egg"),), (product_tag("milk"),)
Touch = Callable[[str], None]


def wait_for_snapshot(feed: InvalidationFeed) -> Snapshot:
    """Return where it stands, once it is heard what is written."""
    return wait_until(feed.snapshot)


def wait_for_current_snapshot(feed: InvalidationFeed, tags: tuple[str, ...]) -> Snapshot:
    """Return a moment that has seen every write under some tags that is known of."""

    def current() -> Snapshot | None:
        seen = wait_for_snapshot(feed)
        return None if feed.is_stale(seen, tags) else seen

    return wait_until(current)


class InvalidationFeedContract:
    """A subclass gives the fixtures `changes` and `touch`, which writes under a tag."""

    @pytest.fixture
    def changes(self) -> InvalidationFeed:
        raise NotImplementedError

    @pytest.fixture
    def touch(self) -> Touch:
        raise NotImplementedError

    def test_what_was_read_holds_while_nothing_is_written(self, changes: InvalidationFeed) -> None:
        assert not changes.is_stale(wait_for_current_snapshot(changes, EGG), EGG)

    @pytest.mark.parametrize("tag", [*EGG, ALL_TAGS])
    def test_a_write_ends_what_was_read_before_it(
        self, changes: InvalidationFeed, touch: Touch, tag: str
    ) -> None:
        before = wait_for_snapshot(changes)
        touch(tag)
        assert changes.is_stale(before, EGG)
        assert changes.is_stale(before, (*MILK, *EGG))

    def test_what_is_read_after_a_write_holds(
        self, changes: InvalidationFeed, touch: Touch
    ) -> None:
        touch(EGG[0])
        after = wait_for_current_snapshot(changes, EGG)
        touch(MILK[0])
        assert not changes.is_stale(after, EGG)
        assert changes.is_stale(after, MILK)

    def test_moments_of_another_history_never_hold(self, changes: InvalidationFeed) -> None:
        seen = wait_for_snapshot(changes)
        assert changes.is_stale(Snapshot("another", seen.number + 1_000_000), EGG)
