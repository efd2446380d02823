import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread

import pytest

from eggypro_adapters.contracts.waiting import TIMEOUT_SECONDS, wait_until
from eggypro_adapters.redis.breaker import ReconnectingBreaker
from eggypro_core.errors import UnavailableError


class Remote:
    """A fake service that can be down; it records calls and the threads that reconnected."""

    def __init__(self) -> None:
        self.is_down = False
        self.calls = 0
        self.reconnect_threads: list[str] = []

    def operation(self) -> str:
        self.calls += 1
        if self.is_down:
            raise UnavailableError("It is down")
        return "result"

    def reconnect(self) -> None:
        self.reconnect_threads.append(current_thread().name)
        if self.is_down:
            raise UnavailableError("It is still down")


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def breaker(remote: Remote) -> ReconnectingBreaker:
    return ReconnectingBreaker(remote.reconnect, down_message="Down.", up_message="Up")


def test_operations_pass_while_the_service_is_up(
    breaker: ReconnectingBreaker, remote: Remote
) -> None:
    assert [breaker.call(remote.operation) for _ in range(3)] == ["result"] * 3
    assert not breaker.is_open


def test_operations_fail_fast_after_a_failure(breaker: ReconnectingBreaker, remote: Remote) -> None:
    with breaker.running():
        remote.is_down = True
        assert [breaker.call(remote.operation) for _ in range(3)] == [None] * 3
        assert (remote.calls, breaker.is_open) == (1, True)


def test_concurrent_failures_are_logged_once(
    breaker: ReconnectingBreaker, caplog: pytest.LogCaptureFixture
) -> None:
    barrier = Barrier(8, timeout=TIMEOUT_SECONDS)

    def operation() -> None:
        barrier.wait()
        raise UnavailableError("It is down")

    with breaker.running(), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: breaker.call(operation), range(8)))
    assert [record.getMessage() for record in caplog.records] == ["Down. It is down"]


def test_one_background_thread_reconnects(
    breaker: ReconnectingBreaker, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with breaker.running():
        remote.reconnect_threads.clear()
        remote.is_down = True
        with ThreadPoolExecutor(8) as threads:
            assert not any(threads.map(lambda _: breaker.call(remote.operation), range(200)))
        wait_until(lambda: len(remote.reconnect_threads) >= 2)
        remote.is_down = False
        wait_until(lambda: not breaker.is_open)
        assert breaker.call(remote.operation) == "result"
    assert set(remote.reconnect_threads) == {"breaker"}
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_running_ends_while_the_service_is_down(
    breaker: ReconnectingBreaker, remote: Remote
) -> None:
    remote.is_down = True
    with breaker.running():
        assert breaker.is_open
