import threading
from queue import SimpleQueue
from threading import Event, current_thread

import pytest

from eggypro_adapters.background_loop import BackgroundLoop

SOON = 30.0
NEVER = 600.0


class Steps:
    """Steps of a loop: each is reported, and returns the pause that the test chose."""

    def __init__(self, *pauses: float | None) -> None:
        self._pauses = iter(pauses)
        self._done: SimpleQueue[str] = SimpleQueue()

    def __call__(self) -> float | None:
        self._done.put(current_thread().name)
        return next(self._pauses, None)

    def wait(self) -> str:
        """Return the name of the thread of the next step."""
        return self._done.get(timeout=SOON)

    @property
    def is_empty(self) -> bool:
        return self._done.empty()


def is_running(name: str) -> bool:
    return name in [thread.name for thread in threading.enumerate()]


def test_nothing_runs_before_the_first_wake() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps)
    assert not is_running("eggs")
    loop.stop()
    assert steps.is_empty


def test_each_wake_runs_a_step_in_the_same_daemon_thread() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps)
    for _ in range(3):
        loop.wake()
        assert steps.wait() == "eggs"
    [thread] = [one for one in threading.enumerate() if one.name == "eggs"]
    assert thread.daemon
    loop.stop()
    assert not is_running("eggs")
    assert steps.is_empty


def test_a_wake_during_a_step_runs_another() -> None:
    entered, may_end = SimpleQueue[int](), Event()

    def step() -> None:
        entered.put(1)
        assert may_end.wait(SOON)

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    entered.get(timeout=SOON)
    loop.wake()
    may_end.set()
    entered.get(timeout=SOON)
    loop.stop()


def test_a_step_may_run_again_by_itself() -> None:
    steps = Steps(0, 0.001, None)
    loop = BackgroundLoop("eggs", steps)
    loop.wake()
    for _ in range(3):
        steps.wait()
    loop.stop()
    assert steps.is_empty


@pytest.mark.parametrize(
    ("delay", "pauses", "expected"), [(NEVER, [], 0), (0.0, [NEVER], 1)], ids=["delay", "pause"]
)
def test_a_stop_waits_for_no_delay_and_runs_no_further_step(
    delay: float, pauses: list[float], expected: int
) -> None:
    steps, ended = Steps(*pauses), Steps()
    loop = BackgroundLoop("eggs", steps, delay=delay, on_stop=ended)
    loop.wake()
    for _ in range(expected):
        steps.wait()
    loop.wake()
    loop.stop()
    assert steps.is_empty
    assert ended.wait() == "eggs"


def test_a_stop_waits_no_longer_than_it_may() -> None:
    may_end, told = Event(), Event()

    def step() -> None:
        told.set()
        assert may_end.wait(SOON)

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    assert told.wait(SOON)
    loop.stop(timeout=0)
    assert loop.is_stopping
    assert is_running("eggs")
    may_end.set()
    loop.stop()
    assert not is_running("eggs")


def test_nothing_starts_after_the_end() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps, on_stop=steps)
    loop.stop()
    loop.wake()
    assert not is_running("eggs")
    assert steps.is_empty


def test_an_error_ends_the_thread_and_reaches_its_excepthook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooked: SimpleQueue[type[BaseException]] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda error: hooked.put(error.exc_type))

    def step() -> None:
        raise ZeroDivisionError

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    assert hooked.get(timeout=SOON) is ZeroDivisionError
    loop.stop()
