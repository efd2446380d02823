"""What every Counter must do."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_core.access.rate_limiting import Policy, RateCounter

READS_POLICY = Policy("reads", 3, 60)
LOGINS_POLICY = Policy("logins", 5, 900)
EndWindows = Callable[[], None]


class RateCounterContract:
    """A subclass gives the fixtures `counter`, an empty one, and `end_windows`."""

    @pytest.fixture
    def counter(self) -> RateCounter:
        raise NotImplementedError

    @pytest.fixture
    def end_windows(self) -> EndWindows:
        raise NotImplementedError

    def test_nothing_is_used_of_a_window_that_nobody_opened(self, counter: RateCounter) -> None:
        standing = counter.get(READS_POLICY, "ada")
        assert (standing.policy, standing.used, standing.seconds_left) == (READS_POLICY, 0, 60)

    def test_what_is_counted_adds_up_also_above_the_limit(self, counter: RateCounter) -> None:
        assert [counter.increment(READS_POLICY, "ada").used for _ in range(5)] == [1, 2, 3, 4, 5]
        assert counter.get(READS_POLICY, "ada").used == 5

    def test_several_can_be_counted_at_once(self, counter: RateCounter) -> None:
        assert counter.increment(READS_POLICY, "ada", count=7).used == 7
        assert counter.increment(READS_POLICY, "ada", count=2).used == 9
        assert counter.increment(READS_POLICY, "ada").used == 10

    def test_each_client_and_each_policy_has_a_count_of_its_own(self, counter: RateCounter) -> None:
        counter.increment(READS_POLICY, "ada")
        counter.increment(READS_POLICY, "ada")
        assert counter.increment(READS_POLICY, "bob").used == 1
        assert counter.increment(LOGINS_POLICY, "ada").used == 1
        assert counter.get(READS_POLICY, "ada").used == 2

    def test_reading_counts_nothing(self, counter: RateCounter) -> None:
        counter.increment(READS_POLICY, "ada")
        assert [counter.get(READS_POLICY, "ada").used for _ in range(3)] == [1, 1, 1]

    def test_a_window_begins_with_the_first_and_is_not_prolonged(
        self, counter: RateCounter
    ) -> None:
        lefts = [counter.increment(LOGINS_POLICY, "ada", count=2).seconds_left]
        lefts += [
            counter.increment(LOGINS_POLICY, "ada").seconds_left,
            counter.get(LOGINS_POLICY, "ada").seconds_left,
        ]
        assert lefts[0] == 900
        assert lefts == sorted(lefts, reverse=True)
        assert lefts[-1] > 0

    def test_after_its_window_a_client_begins_anew(
        self, counter: RateCounter, end_windows: EndWindows
    ) -> None:
        counter.increment(READS_POLICY, "ada", count=9)
        end_windows()
        assert counter.get(READS_POLICY, "ada").used == 0
        standing = counter.increment(READS_POLICY, "ada")
        assert (standing.used, standing.seconds_left) == (1, 60)

    def test_what_is_cleared_is_as_if_it_had_never_been(self, counter: RateCounter) -> None:
        counter.reset(READS_POLICY, "nobody")
        counter.increment(READS_POLICY, "ada", count=2)
        counter.increment(READS_POLICY, "bob")
        counter.reset(READS_POLICY, "ada")
        assert counter.get(READS_POLICY, "ada").seconds_left == 60
        assert counter.increment(READS_POLICY, "ada").used == 1
        assert counter.get(READS_POLICY, "bob").used == 1

    def test_a_client_may_have_any_name(self, counter: RateCounter) -> None:
        for client in ("2001:db8::/64", "", "a:b:c", "\xe4 {x}", "1.2.3.4"):
            assert counter.increment(READS_POLICY, client).used == 1

    def test_of_many_at_once_no_two_are_the_same_number(self, counter: RateCounter) -> None:
        with ThreadPoolExecutor(16) as threads:
            standings = threads.map(lambda _: counter.increment(READS_POLICY, "ada"), range(400))
        assert sorted(standing.used for standing in standings) == [*range(1, 401)]
