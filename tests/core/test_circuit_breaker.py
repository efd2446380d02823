from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_core.circuit_breaker import CircuitBreaker


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock()


@pytest.fixture
def gate(clock: FakeMonotonicClock) -> CircuitBreaker:
    return CircuitBreaker(10, clock)


def test_a_new_gate_allows_every_caller(gate: CircuitBreaker) -> None:
    assert [gate.allows(), gate.allows(), gate.is_open] == [True, True, False]


def test_a_blocked_gate_allows_no_caller_until_the_block_ends(
    gate: CircuitBreaker, clock: FakeMonotonicClock
) -> None:
    gate.trip()
    clock.now = 9.9
    assert not gate.allows()
    clock.now = 10
    assert gate.allows()


def test_one_caller_retries_and_the_next_after_the_retry_interval(
    gate: CircuitBreaker, clock: FakeMonotonicClock
) -> None:
    gate.trip(2)
    clock.now = 2
    assert [gate.allows(), gate.allows(), gate.is_open] == [True, False, True]
    clock.now = 11.9
    assert not gate.allows()
    clock.now = 12
    assert [gate.allows(), gate.allows()] == [True, False]


def test_one_of_many_concurrent_callers_retries(
    gate: CircuitBreaker, clock: FakeMonotonicClock
) -> None:
    gate.trip()
    clock.now = 10
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: gate.allows(), range(200))) == 1


def test_unblocking_allows_every_caller_at_once(gate: CircuitBreaker) -> None:
    gate.trip()
    gate.reset()
    assert [gate.allows(), gate.allows(), gate.is_open] == [True, True, False]


def test_a_new_failure_restarts_the_block(gate: CircuitBreaker, clock: FakeMonotonicClock) -> None:
    gate.trip()
    clock.now = 8
    gate.trip()
    clock.now = 17.9
    assert not gate.allows()


def test_block_and_unblock_return_whether_the_state_changed(gate: CircuitBreaker) -> None:
    assert [gate.reset(), gate.trip(), gate.trip()] == [False, True, False]
    assert [gate.reset(), gate.reset()] == [True, False]


def test_an_infinite_interval_allows_no_retry(clock: FakeMonotonicClock) -> None:
    gate = CircuitBreaker(inf, clock)
    gate.trip()
    clock.now = 1e12
    assert not gate.allows()
