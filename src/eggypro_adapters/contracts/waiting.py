"""Waits for what another thread, process or server does."""

from collections.abc import Callable
from threading import Event
from time import monotonic
from typing import TypeVar

T = TypeVar("T")
TIMEOUT_SECONDS = 60.0
"""Longer than anything takes on a busy machine, shorter than a test may take."""
_POLL_SECONDS = 0.005


def wait_until(condition: Callable[[], T | None]) -> T:
    """Return the first true value that `condition()` returns. Fails if there is none in time."""
    deadline, pause = monotonic() + TIMEOUT_SECONDS, Event()
    while not (value := condition()):
        assert monotonic() < deadline, f"The condition was not met within {TIMEOUT_SECONDS} s"
        pause.wait(_POLL_SECONDS)
    return value
