"""Contract suite of `RateCounter`."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from eggypro_core.access.rate_limiting import RateCounter, RateLimitPolicy

READS_POLICY = RateLimitPolicy("reads", 3, 60)
LOGINS_POLICY = RateLimitPolicy("logins", 5, 900)
EndWindows = Callable[[], None]


class RateCounterContract:
    """Subclasses provide the fixtures `counter`: an empty one, and `end_windows`."""

    @pytest.fixture
    def counter(self) -> RateCounter:
        raise NotImplementedError

    @pytest.fixture
    def end_windows(self) -> EndWindows:
        raise NotImplementedError

    def test_an_unknown_client_has_a_full_window(self, counter: RateCounter) -> None:
        status = counter.get(READS_POLICY, "ada")
        assert (status.policy, status.used, status.seconds_left) == (READS_POLICY, 0, 60)

    def test_increments_add_up_above_the_limit(self, counter: RateCounter) -> None:
        assert [counter.increment(READS_POLICY, "ada").used for _ in range(5)] == [1, 2, 3, 4, 5]
        assert counter.get(READS_POLICY, "ada").used == 5

    def test_an_increment_may_be_greater_than_one(self, counter: RateCounter) -> None:
        assert counter.increment(READS_POLICY, "ada", count=7).used == 7
        assert counter.increment(READS_POLICY, "ada", count=2).used == 9
        assert counter.increment(READS_POLICY, "ada").used == 10

    def test_clients_and_policies_are_counted_separately(self, counter: RateCounter) -> None:
        counter.increment(READS_POLICY, "ada")
        counter.increment(READS_POLICY, "ada")
        assert counter.increment(READS_POLICY, "bob").used == 1
        assert counter.increment(LOGINS_POLICY, "ada").used == 1
        assert counter.get(READS_POLICY, "ada").used == 2

    def test_get_does_not_count(self, counter: RateCounter) -> None:
        counter.increment(READS_POLICY, "ada")
        assert [counter.get(READS_POLICY, "ada").used for _ in range(3)] == [1, 1, 1]

    def test_a_window_starts_at_the_first_request_and_is_not_extended(
        self, counter: RateCounter
    ) -> None:
        seconds_left = [counter.increment(LOGINS_POLICY, "ada", count=2).seconds_left]
        seconds_left += [
            counter.increment(LOGINS_POLICY, "ada").seconds_left,
            counter.get(LOGINS_POLICY, "ada").seconds_left,
        ]
        assert seconds_left[0] == 900
        assert seconds_left == sorted(seconds_left, reverse=True)
        assert seconds_left[-1] > 0

    def test_a_new_window_starts_at_zero(
        self, counter: RateCounter, end_windows: EndWindows
    ) -> None:
        counter.increment(READS_POLICY, "ada", count=9)
        end_windows()
        assert counter.get(READS_POLICY, "ada").used == 0
        status = counter.increment(READS_POLICY, "ada")
        assert (status.used, status.seconds_left) == (1, 60)

    def test_reset_deletes_the_window_of_a_client(self, counter: RateCounter) -> None:
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

    def test_concurrent_increments_return_distinct_counts(self, counter: RateCounter) -> None:
        with ThreadPoolExecutor(16) as threads:
            statuses = threads.map(lambda _: counter.increment(READS_POLICY, "ada"), range(400))
        assert sorted(status.used for status in statuses) == [*range(1, 401)]
