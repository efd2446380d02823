"""BackgroundLoop: a daemon thread that repeats a step until it is stopped."""

from collections.abc import Callable
from threading import Condition, Thread


class BackgroundLoop:
    """Repeat `step` in a daemon thread, started by the first `wake` and therefore after any fork.

    The step runs `delay` seconds after a `wake`, so that more work can accumulate. It returns the
    seconds until its next run, or None to wait for the next `wake`. `on_stop` runs in the thread
    when the loop stops. An exception of either ends the thread and reaches
    `threading.excepthook`.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], float | None],
        *,
        delay: float = 0,
        on_stop: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._step = step
        self._delay = delay
        self._on_stop = on_stop
        self._changed = Condition()
        self._is_awake = False
        self.is_stopping = False  # for steps that take long to check
        self._thread: Thread | None = None

    def wake(self) -> None:
        """Schedule the step. Does nothing after `stop`."""
        if self._is_awake:
            return
        with self._changed:
            self._is_awake = True
            self._changed.notify()
            if self._thread is None and not self.is_stopping:
                self._thread = Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Stop the loop without another step; wait for its end for at most `timeout` seconds."""
        with self._changed:
            self.is_stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        pause: float | None = None
        while self._is_due_after(pause):
            pause = self._step()
        self._on_stop()

    def _is_due_after(self, pause: float | None) -> bool:
        """Wait until the next step is due; return False if the loop is stopping."""
        with self._changed:
            if pause is None:
                self._changed.wait_for(lambda: self._is_awake or self.is_stopping)
                pause = self._delay
            is_due = not self._changed.wait_for(lambda: self.is_stopping, pause)
            self._is_awake = False
            return is_due
