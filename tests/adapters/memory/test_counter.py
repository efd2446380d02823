import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.rate_counter import (
    LOGINS_POLICY,
    READS_POLICY,
    EndWindows,
    RateCounterContract,
)
from eggypro_adapters.memory import MemoryRateCounter
from eggypro_core.access.rate_limiting import RateLimitStatus


class TestMemoryRateCounter(RateCounterContract):
    @pytest.fixture
    def clock(self) -> FakeMonotonicClock:
        return FakeMonotonicClock()

    @pytest.fixture
    def counter(self, clock: FakeMonotonicClock) -> MemoryRateCounter:
        return MemoryRateCounter(clock)

    @pytest.fixture
    def end_windows(self, clock: FakeMonotonicClock) -> EndWindows:
        def end() -> None:
            clock.now += 900

        return end


def test_a_window_ends_at_its_last_second() -> None:
    clock = FakeMonotonicClock()
    counter = MemoryRateCounter(clock)
    counter.increment(READS_POLICY, "ada")
    clock.now = 59.5
    assert counter.increment(READS_POLICY, "ada") == RateLimitStatus(READS_POLICY, 2, 0.5)
    clock.now = 60
    assert counter.increment(READS_POLICY, "ada") == RateLimitStatus(READS_POLICY, 1, 60)


def test_the_oldest_windows_are_evicted_first() -> None:
    counter = MemoryRateCounter(FakeMonotonicClock(), max_clients=3)
    for client in "abcad":
        counter.increment(READS_POLICY, client)
    counter.increment(LOGINS_POLICY, "a")
    assert [client for client, _ in counter.list_statuses(READS_POLICY)] == ["b", "c", "d"]
    assert counter.get(LOGINS_POLICY, "a").used == 1


def test_a_restarted_window_is_not_the_oldest() -> None:
    clock = FakeMonotonicClock()
    counter = MemoryRateCounter(clock, max_clients=2)
    counter.set_status("a", RateLimitStatus(READS_POLICY, 1, 60))
    counter.set_status("b", RateLimitStatus(READS_POLICY, 1, 90))
    clock.now = 70
    counter.set_status("b", RateLimitStatus(READS_POLICY, 2, 90))
    counter.increment(READS_POLICY, "a")
    counter.increment(READS_POLICY, "c")
    assert [client for client, _ in counter.list_statuses(READS_POLICY)] == ["a", "c"]


def test_expired_windows_are_evicted() -> None:
    clock = FakeMonotonicClock()
    counter = MemoryRateCounter(clock)
    for client in "abc":
        counter.increment(READS_POLICY, client)
        clock.now += 25
    counter.increment(READS_POLICY, "d")
    assert [*counter._windows[READS_POLICY]] == ["b", "c", "d"]


def test_set_status_replaces_the_window() -> None:
    counter = MemoryRateCounter(FakeMonotonicClock())
    counter.set_status("ada", RateLimitStatus(READS_POLICY, 7, 10))
    assert counter.increment(READS_POLICY, "ada") == RateLimitStatus(READS_POLICY, 8, 10)
    counter.set_status("ada", RateLimitStatus(READS_POLICY, 0, 60))
    assert counter.list_statuses(READS_POLICY) == []
    counter.set_status("ada", RateLimitStatus(READS_POLICY, 7, 0))
    assert counter.get(READS_POLICY, "ada").used == 0
