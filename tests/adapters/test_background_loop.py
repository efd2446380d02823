import threading
from queue import SimpleQueue
from threading import Event, current_thread

import pytest

from eggypro_adapters.background_loop import BackgroundLoop

TIMEOUT_SECONDS = 30.0
LONG_SECONDS = 600.0


class Steps:
    """A step that records its runs and returns the given pauses."""

    def __init__(self, *pauses: float | None) -> None:
        self._pauses = iter(pauses)
        self._runs: SimpleQueue[str] = SimpleQueue()

    def __call__(self) -> float | None:
        self._runs.put(current_thread().name)
        return next(self._pauses, None)

    def wait(self) -> str:
        """Wait for the next run; return the name of its thread."""
        return self._runs.get(timeout=TIMEOUT_SECONDS)

    @property
    def is_empty(self) -> bool:
        return self._runs.empty()


def is_running(name: str) -> bool:
    return name in [thread.name for thread in threading.enumerate()]


def test_nothing_runs_before_the_first_wake() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps)
    assert not is_running("eggs")
    loop.stop()
    assert steps.is_empty


def test_wakes_run_steps_in_one_daemon_thread() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps)
    for _ in range(3):
        loop.wake()
        assert steps.wait() == "eggs"
    [thread] = [thread for thread in threading.enumerate() if thread.name == "eggs"]
    assert thread.daemon
    loop.stop()
    assert not is_running("eggs")
    assert steps.is_empty


def test_wake_during_a_step_runs_another_step() -> None:
    starts, may_end = SimpleQueue[int](), Event()

    def step() -> None:
        starts.put(1)
        assert may_end.wait(TIMEOUT_SECONDS)

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    starts.get(timeout=TIMEOUT_SECONDS)
    loop.wake()
    may_end.set()
    starts.get(timeout=TIMEOUT_SECONDS)
    loop.stop()


def test_step_repeats_after_its_pause() -> None:
    steps = Steps(0, 0.001, None)
    loop = BackgroundLoop("eggs", steps)
    loop.wake()
    for _ in range(3):
        steps.wait()
    loop.stop()
    assert steps.is_empty


@pytest.mark.parametrize(
    ("delay", "pauses", "expected"),
    [(LONG_SECONDS, [], 0), (0.0, [LONG_SECONDS], 1)],
    ids=["delay", "pause"],
)
def test_stop_ends_delays_and_runs_no_further_step(
    delay: float, pauses: list[float], expected: int
) -> None:
    steps, stop_steps = Steps(*pauses), Steps()
    loop = BackgroundLoop("eggs", steps, delay=delay, on_stop=stop_steps)
    loop.wake()
    for _ in range(expected):
        steps.wait()
    loop.wake()
    loop.stop()
    assert steps.is_empty
    assert stop_steps.wait() == "eggs"


def test_stop_waits_for_at_most_its_timeout() -> None:
    may_end, has_started = Event(), Event()

    def step() -> None:
        has_started.set()
        assert may_end.wait(TIMEOUT_SECONDS)

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    assert has_started.wait(TIMEOUT_SECONDS)
    loop.stop(timeout=0)
    assert loop.is_stopping
    assert is_running("eggs")
    may_end.set()
    loop.stop()
    assert not is_running("eggs")


def test_nothing_starts_after_a_stop() -> None:
    steps = Steps()
    loop = BackgroundLoop("eggs", steps, on_stop=steps)
    loop.stop()
    loop.wake()
    assert not is_running("eggs")
    assert steps.is_empty


def test_exception_ends_the_thread_and_reaches_the_excepthook(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exceptions: SimpleQueue[type[BaseException]] = SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", lambda error: exceptions.put(error.exc_type))

    def step() -> None:
        raise ZeroDivisionError

    loop = BackgroundLoop("eggs", step)
    loop.wake()
    assert exceptions.get(timeout=TIMEOUT_SECONDS) is ZeroDivisionError
    loop.stop()
