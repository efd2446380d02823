"""Threads that an error ends: the trackers are told, and nothing is printed."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eggypro_core.operations.error_tracking import ErrorTracker


@contextmanager
def report_thread_errors(trackers: Sequence[ErrorTracker]) -> Iterator[None]:
    """Tell the trackers of every thread of this process that an error ends, within the block."""

    def ended(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None and not isinstance(thread.exc_value, SystemExit):
            for tracker in trackers:
                tracker.report_error(thread.exc_value, None)

    former, threading.excepthook = threading.excepthook, ended
    try:
        yield
    finally:
        threading.excepthook = former
