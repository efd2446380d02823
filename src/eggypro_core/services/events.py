"""EventService: read and prune the event log, and undo batches."""

from collections.abc import Iterator
from datetime import timedelta

from attrs import frozen

from eggypro_core.domain.event_query import Batch, BatchQuery, EventPage, EventQuery
from eggypro_core.domain.undo import UndoReport
from eggypro_core.ports import CategoryStore, Clock, EventLog, ProductStore
from eggypro_core.services.undo import BatchUndo

_PRUNE_BATCH_SIZE = 1000


@frozen
class EventService:
    """Read the events of a shop: the history of its products, and the feed for other systems.

    Every method may raise UnavailableError.
    """

    _log: EventLog
    _products: ProductStore
    _categories: CategoryStore
    _clock: Clock

    def list(self, query: EventQuery) -> EventPage:
        """Return a page of events.

        A consumer that continues from the `next_position` of each page misses no event and gets
        none twice. Raises GoneError if the position is older than the log or ahead of it.
        """
        return self._log.list(query)

    def get_batch(self, batch_id: int) -> Batch:
        """Return a batch. Raises NotFoundError, and GoneError for one that was pruned."""
        return self._log.get_batch(batch_id)

    def list_batches(self, query: BatchQuery) -> tuple[Batch, ...]:
        """Return batches, newest first."""
        return self._log.list_batches(query)

    def undo(
        self, batch_id: int, *, dry_run: bool = False, max_subjects: int | None = None
    ) -> UndoReport:
        """Take back an import or a bulk update, in one transaction.

        What it created is archived. A field gets its former value back if it still has the one
        that the batch wrote; stock is taken back by difference, so that sales since count. The
        report lists what is kept. An undo can be undone. Raises NotFoundError, GoneError for a
        pruned batch, ConflictError for a batch that cannot be undone, and ValidationError if it
        changed more than `max_subjects` products, variants and categories.
        """
        undo = BatchUndo(self._log, self._products, self._categories)
        return undo.run(batch_id, self._clock(), dry_run=dry_run, max_subjects=max_subjects)

    def prune(self, days: int) -> Iterator[int]:
        """Delete the batches older than some days in steps; yield the number of each step."""
        before = self._clock() - timedelta(days=days)
        while count := self._log.prune(before, _PRUNE_BATCH_SIZE):
            yield count
