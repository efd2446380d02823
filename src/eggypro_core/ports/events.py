"""Port of the event log."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from eggypro_core.domain.event_query import Batch, BatchQuery, EventPage, EventQuery


class EventLog(Protocol):
    """Read the events that the stores append in the transactions of their writes.

    Any method may raise UnavailableError.
    """

    def list(self, query: EventQuery) -> EventPage:
        """Return a page of events, in the order in which batches got their position.

        A position is given to a batch after its commit, so a reader that follows the positions
        misses no event and gets none twice. Raises GoneError if the position in the query is older
        than the oldest event or lies beyond the last one.
        """
        ...

    def get_batch(self, batch_id: int) -> Batch:
        """Return a batch. Raises NotFoundError, or GoneError for one that was pruned."""
        ...

    def list_batches(self, query: BatchQuery) -> tuple[Batch, ...]:
        """Return batches, newest first."""
        ...

    def find_touched(self, batch_id: int) -> Collection[tuple[str, int]]:
        """Return the things that a batch created and that later batches changed.

        They are pairs of the kind of the subject and its id. Changes of stock and reviews do not
        count; those of a variant count for its product too.
        """
        ...

    def prune(self, before: datetime, limit: int) -> int:
        """Delete up to `limit` batches from before a time, and return their number.

        Oldest first. The last batch of the log stays, since later positions continue from it.
        """
        ...
