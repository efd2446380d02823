"""What every Counter must do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_core.access.rate_limiting import Counter, Policy

READS = Policy("reads", 3, 60)
LOGINS = Policy("logins", 5, 900)
EndWindows = Callable[[], None]


class CounterContract:
    """A subclass gives the fixtures `counter`, an empty one, and `end_windows`."""

    @pytest.fixture
    def counter(self) -> Counter:
        raise NotImplementedError

    @pytest.fixture
    def end_windows(self) -> EndWindows:
        raise NotImplementedError

    def test_nothing_is_used_of_a_window_that_nobody_opened(self, counter: Counter) -> None:
        standing = counter.read(READS, "ada")
        assert (standing.policy, standing.used, standing.left) == (READS, 0, 60)

    def test_what_is_counted_adds_up_also_above_the_limit(self, counter: Counter) -> None:
        assert [counter.add(READS, "ada").used for _ in range(5)] == [1, 2, 3, 4, 5]
        assert counter.read(READS, "ada").used == 5

    def test_several_can_be_counted_at_once(self, counter: Counter) -> None:
        assert counter.add(READS, "ada", times=7).used == 7
        assert counter.add(READS, "ada", times=2).used == 9
        assert counter.add(READS, "ada").used == 10

    def test_each_client_and_each_policy_has_a_count_of_its_own(self, counter: Counter) -> None:
        counter.add(READS, "ada")
        counter.add(READS, "ada")
        assert counter.add(READS, "bob").used == 1
        assert counter.add(LOGINS, "ada").used == 1
        assert counter.read(READS, "ada").used == 2

    def test_reading_counts_nothing(self, counter: Counter) -> None:
        counter.add(READS, "ada")
        assert [counter.read(READS, "ada").used for _ in range(3)] == [1, 1, 1]

    def test_a_window_begins_with_the_first_and_is_not_prolonged(self, counter: Counter) -> None:
        lefts = [counter.add(LOGINS, "ada", times=2).left]
        lefts += [counter.add(LOGINS, "ada").left, counter.read(LOGINS, "ada").left]
        assert lefts[0] == 900
        assert lefts == sorted(lefts, reverse=True)
        assert lefts[-1] > 0

    def test_after_its_window_a_client_begins_anew(
        self, counter: Counter, end_windows: EndWindows
    ) -> None:
        counter.add(READS, "ada", times=9)
        end_windows()
        assert counter.read(READS, "ada").used == 0
        standing = counter.add(READS, "ada")
        assert (standing.used, standing.left) == (1, 60)

    def test_what_is_cleared_is_as_if_it_had_never_been(self, counter: Counter) -> None:
        counter.clear(READS, "nobody")
        counter.add(READS, "ada", times=2)
        counter.add(READS, "bob")
        counter.clear(READS, "ada")
        assert counter.read(READS, "ada").left == 60
        assert counter.add(READS, "ada").used == 1
        assert counter.read(READS, "bob").used == 1

    def test_a_client_may_have_any_name(self, counter: Counter) -> None:
        for client in ("2001:db8::/64", "", "a:b:c", "\xe4 {x}", "1.2.3.4"):
            assert counter.add(READS, client).used == 1

    def test_of_many_at_once_no_two_are_the_same_number(self, counter: Counter) -> None:
        with ThreadPoolExecutor(16) as threads:
            standings = threads.map(lambda _: counter.add(READS, "ada"), range(400))
        assert sorted(standing.used for standing in standings) == [*range(1, 401)]
