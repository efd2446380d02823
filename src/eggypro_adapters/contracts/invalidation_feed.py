"""What every Changes must do."""

from collections.abc import Callable

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_core.caching.entries import EVERYTHING, Moment, product_tag
from eggypro_core.caching.ports import Changes

EGG, MILK = (product_tag("egg"),), (product_tag("milk"),)
Touch = Callable[[str], None]


def moment(changes: Changes) -> Moment:
    """Return where it stands, once it is heard what is written."""
    return wait_until(changes.seen)


def moment_after_all(changes: Changes, tags: tuple[str, ...]) -> Moment:
    """Return a moment that has seen every write under some tags that is known of."""

    def current() -> Moment | None:
        seen = moment(changes)
        return None if changes.outdated(seen, tags) else seen

    return wait_until(current)


class ChangesContract:
    """A subclass gives the fixtures `changes` and `touch`, which writes under a tag."""

    @pytest.fixture
    def changes(self) -> Changes:
        raise NotImplementedError

    @pytest.fixture
    def touch(self) -> Touch:
        raise NotImplementedError

    def test_what_was_read_holds_while_nothing_is_written(self, changes: Changes) -> None:
        assert not changes.outdated(moment_after_all(changes, EGG), EGG)

    @pytest.mark.parametrize("tag", [*EGG, EVERYTHING])
    def test_a_write_ends_what_was_read_before_it(
        self, changes: Changes, touch: Touch, tag: str
    ) -> None:
        before = moment(changes)
        touch(tag)
        assert changes.outdated(before, EGG)
        assert changes.outdated(before, (*MILK, *EGG))

    def test_what_is_read_after_a_write_holds(self, changes: Changes, touch: Touch) -> None:
        touch(EGG[0])
        after = moment_after_all(changes, EGG)
        touch(MILK[0])
        assert not changes.outdated(after, EGG)
        assert changes.outdated(after, MILK)

    def test_moments_of_another_history_never_hold(self, changes: Changes) -> None:
        seen = moment(changes)
        assert changes.outdated(Moment("another", seen.number + 1_000_000), EGG)
