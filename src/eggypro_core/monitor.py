"""What the calls of the API came to, and how long they are remembered."""

from collections.abc import Iterator
from datetime import timedelta
from math import ceil

from attrs import frozen

from eggypro_core.metrics import CallSummary
from eggypro_core.ports import CallStore, Clock

BATCH = 10_000
"""How many calls are forgotten at once: so few that nobody waits for it."""
STEPS = 48


@frozen
class Activity:
    """How many calls there were in each `step` of a time, the last one ending now."""

    step: timedelta
    counts: tuple[int, ...]


@frozen
class Monitor:
    """Looks back on the calls of the API. Every method may raise UnavailableError."""

    _calls: CallStore
    _clock: Clock

    def summary(self, days: int) -> tuple[CallSummary, ...]:
        """Return what the calls of the last days came to, the most frequent first."""
        return self._calls.summary(self._clock() - timedelta(days=days))

    def activity(self, days: int) -> Activity:
        """Return how many calls there were over the last days, in at most STEPS steps."""
        step = _step(days)
        steps = ceil(timedelta(days=days) / step)
        since = self._clock() - steps * step
        return Activity(step, self._calls.counts(since, step=step, steps=steps))

    def prune(self, days: int) -> Iterator[int]:
        """Forget the calls that are older than so many days; tell how many after each batch.

        It can be left at any batch, done again, and done by several at once.
        """
        before = self._clock() - timedelta(days=days)
        while done := self._calls.prune(before, BATCH):
            yield done


def _step(days: int) -> timedelta:
    if days * 24 <= STEPS:
        return timedelta(hours=1)
    return timedelta(days=ceil(days / STEPS))
