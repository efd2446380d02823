import pytest

from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.contracts.rate_counter import LOGINS, READS, CounterContract, EndWindows
from eggypro_adapters.memory import MemoryCounter
from eggypro_core.access.rate_limiting import Standing


class TestMemoryCounter(CounterContract):
    @pytest.fixture
    def clock(self) -> FakeSeconds:
        return FakeSeconds()

    @pytest.fixture
    def counter(self, clock: FakeSeconds) -> MemoryCounter:
        return MemoryCounter(clock)

    @pytest.fixture
    def end_windows(self, clock: FakeSeconds) -> EndWindows:
        def end() -> None:
            clock.now += 900

        return end


def test_a_window_ends_at_its_second() -> None:
    clock = FakeSeconds()
    counter = MemoryCounter(clock)
    counter.add(READS, "ada")
    clock.now = 59.5
    assert counter.add(READS, "ada") == Standing(READS, 2, 0.5)
    clock.now = 60
    assert counter.add(READS, "ada") == Standing(READS, 1, 60)


def test_of_too_many_clients_those_go_whose_windows_began_first() -> None:
    counter = MemoryCounter(FakeSeconds(), most=3)
    for client in "abcad":
        counter.add(READS, client)
    counter.add(LOGINS, "a")
    assert [client for client, _ in counter.standings(READS)] == ["b", "c", "d"]
    assert counter.read(LOGINS, "a").used == 1


def test_a_window_that_began_anew_is_not_the_oldest() -> None:
    clock = FakeSeconds()
    counter = MemoryCounter(clock, most=2)
    counter.learn("a", Standing(READS, 1, 60))
    counter.learn("b", Standing(READS, 1, 90))
    clock.now = 70
    counter.learn("b", Standing(READS, 2, 90))
    counter.add(READS, "a")
    counter.add(READS, "c")
    assert [client for client, _ in counter.standings(READS)] == ["a", "c"]


def test_windows_that_are_over_take_no_room() -> None:
    clock = FakeSeconds()
    counter = MemoryCounter(clock)
    for client in "abc":
        counter.add(READS, client)
        clock.now += 25
    counter.add(READS, "d")
    assert [*counter._windows[READS]] == ["b", "c", "d"]


def test_what_is_learned_stands() -> None:
    counter = MemoryCounter(FakeSeconds())
    counter.learn("ada", Standing(READS, 7, 10))
    assert counter.add(READS, "ada") == Standing(READS, 8, 10)
    counter.learn("ada", Standing(READS, 0, 60))
    assert counter.standings(READS) == []
    counter.learn("ada", Standing(READS, 7, 0))
    assert counter.read(READS, "ada").used == 0
