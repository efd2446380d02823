"""Figures of a running server, for a monitoring system to look at."""

from collections.abc import Callable

from attrs import frozen


@frozen
class Figure:
    """A number that shows how a process is; those of all workers are added up.

    One that `is_total` only grows, and a worker that has ended still counts in it. `read` waits for
    nobody and raises nothing.
    """

    name: str
    meaning: str
    read: Callable[[], float]
    is_total: bool = False
