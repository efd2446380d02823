from concurrent.futures import ThreadPoolExecutor
from math import inf

import pytest

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_core.retry_gate import RetryGate


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock()


@pytest.fixture
def gate(clock: FakeMonotonicClock) -> RetryGate:
    return RetryGate(10, clock)


def test_a_gate_that_nothing_blocked_allows_everybody(gate: RetryGate) -> None:
    assert [gate.allows(), gate.allows(), gate.is_blocked] == [True, True, False]


def test_a_blocked_gate_allows_nobody_until_its_time_is_over(
    gate: RetryGate, clock: FakeMonotonicClock
) -> None:
    gate.block()
    clock.now = 9.9
    assert not gate.allows()
    clock.now = 10
    assert gate.allows()


def test_one_caller_retries_and_the_next_one_a_while_later(
    gate: RetryGate, clock: FakeMonotonicClock
) -> None:
    gate.block(2)
    clock.now = 2
    assert [gate.allows(), gate.allows(), gate.is_blocked] == [True, False, True]
    clock.now = 11.9
    assert not gate.allows()
    clock.now = 12
    assert [gate.allows(), gate.allows()] == [True, False]


def test_of_many_callers_at_once_one_retries(gate: RetryGate, clock: FakeMonotonicClock) -> None:
    gate.block()
    clock.now = 10
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: gate.allows(), range(200))) == 1


def test_a_success_allows_everybody_at_once(gate: RetryGate) -> None:
    gate.block()
    gate.unblock()
    assert [gate.allows(), gate.allows(), gate.is_blocked] == [True, True, False]


def test_a_new_failure_blocks_from_its_own_time_on(
    gate: RetryGate, clock: FakeMonotonicClock
) -> None:
    gate.block()
    clock.now = 8
    gate.block()
    clock.now = 17.9
    assert not gate.allows()


def test_only_the_first_failure_and_the_first_success_are_news(gate: RetryGate) -> None:
    assert [gate.unblock(), gate.block(), gate.block()] == [False, True, False]
    assert [gate.unblock(), gate.unblock()] == [True, False]


def test_a_gate_may_leave_the_retries_to_others(clock: FakeMonotonicClock) -> None:
    gate = RetryGate(inf, clock)
    gate.block()
    clock.now = 1e12
    assert not gate.allows()
