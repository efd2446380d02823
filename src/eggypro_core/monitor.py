"""What the calls of the API came to, and how long they are remembered."""

from collections.abc import Iterator
from datetime import timedelta

from attrs import frozen

from eggypro_core.metrics import CallSummary
from eggypro_core.ports import CallStore, Clock

BATCH = 10_000
"""How many calls are forgotten at once: so few that nobody waits for it."""
_FEW_DAYS = 2


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
        """Return how many calls there were in each of the last days, or hours if these are few."""
        step, each = (timedelta(hours=1), 24) if days <= _FEW_DAYS else (timedelta(days=1), 1)
        since = self._clock() - timedelta(days=days)
        return Activity(step, self._calls.counts(since, step=step, steps=days * each))

    def prune(self, days: int) -> Iterator[int]:
        """Forget the calls that are older than so many days; tell how many after each batch.

        It can be left at any batch, done again, and done by several at once.
        """
        before = self._clock() - timedelta(days=days)
        while done := self._calls.prune(before, BATCH):
            yield done
