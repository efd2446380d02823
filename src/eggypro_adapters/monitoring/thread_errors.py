"""Reports of exceptions that end threads."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from eggypro_core.operations.error_tracking import ErrorTracker


@contextmanager
def report_thread_errors(trackers: Sequence[ErrorTracker]) -> Iterator[None]:
    """Report exceptions that end threads to `trackers` during the block; print nothing."""

    def report(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None and not isinstance(thread.exc_value, SystemExit):
            for tracker in trackers:
                tracker.report_error(thread.exc_value, None)

    former, threading.excepthook = threading.excepthook, report
    try:
        yield
    finally:
        threading.excepthook = former
