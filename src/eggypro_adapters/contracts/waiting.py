"""Waiting for another thread, process or server, with deadlines."""

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
TIMEOUT_SECONDS = 60.0
"""Longer than any operation on a busy machine, shorter than the timeout of a test."""
_POLL_SECONDS = 0.005


def wait_until(condition: Callable[[], T | None]) -> T:
    """Return the first true value of `condition()`; raise AssertionError after the timeout."""
    deadline, pause = monotonic() + TIMEOUT_SECONDS, Event()
    while not (value := condition()):
        assert monotonic() < deadline, f"The condition was not met within {TIMEOUT_SECONDS} s"
        pause.wait(_POLL_SECONDS)
    return value


def wait_for_event(event: Event) -> None:
    """Return once an event is set; raise AssertionError after the timeout."""
    assert event.wait(TIMEOUT_SECONDS), f"The event was not set within {TIMEOUT_SECONDS} s"


def wait_for_result(future: Future[T]) -> T:
    """Return the result of a future; raise AssertionError after the timeout."""
    assert wait([future], TIMEOUT_SECONDS).done, f"There was no result within {TIMEOUT_SECONDS} s"
    return future.result()
