"""In-memory event log."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

from eggypro_adapters.memory.database import MemoryBatch, MemoryDatabase
from eggypro_core.domain.event import STOCK_TYPES, Event, EventType
from eggypro_core.domain.event_query import (
    LATEST,
    START,
    Batch,
    BatchQuery,
    EventPage,
    EventQuery,
    LogPosition,
    Order,
    missing_batch_error,
    require_in_log,
)


class MemoryEventLog:
    """Read and prune the events in memory. Each batch has its position from the start."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def list(self, query: EventQuery) -> EventPage:
        with self._database.lock:
            batches = list(self._database.batches)
            product_ids = set(self._product_ids(query.product, batches)) if query.product else set()
        first, last = (batches[0].id, batches[-1].id) if batches else (1, 0)
        end = LogPosition(last)
        if query.after == LATEST:
            return EventPage((), end)
        after = query.after if isinstance(query.after, LogPosition) else START
        if query.after is not None:
            require_in_log(after, first, last)
        events = [
            (batch, event)
            for batch in batches
            for event in batch.events
            if _matches(query, event)
            and (query.product is None or event.subject.product_id in product_ids)
        ]
        if query.order is Order.DESCENDING:
            events.reverse()
            if query.after is not None:
                events = [(b, e) for b, e in events if not _is_after(b, e, after, inclusive=True)]
        else:
            events = [(b, e) for b, e in events if _is_after(b, e, after)]
        page = events[: query.limit]
        position = None if query.order is Order.DESCENDING else end
        if page and len(page) == query.limit:
            batch, event = page[-1]
            position = LogPosition(batch.id, event.id)
        return EventPage(tuple(event for _, event in page), position)

    def get_batch(self, batch_id: int) -> Batch:
        with self._database.lock:
            stored = {batch.id: batch for batch in self._list_batches()}
            if batch_id in stored:
                return stored[batch_id]
            raise missing_batch_error(batch_id, min(stored, default=None))

    def list_batches(self, query: BatchQuery) -> tuple[Batch, ...]:
        with self._database.lock:
            batches = [
                batch
                for batch in self._list_batches()
                if query.source in {None, batch.origin.source}
                and (query.before is None or batch.id < query.before)
            ]
        return tuple(reversed(batches))[: query.limit]

    def find_touched(self, batch_id: int) -> Collection[tuple[str, int]]:
        with self._database.lock:
            events = [event for batch in self._database.batches for event in batch.events]
        created = [event for event in events if _creates(event) and event.batch_id == batch_id]
        return {
            (event.type.subject_type, event.subject.id)
            for event in created
            for later in events
            if later.id > event.id and later.batch_id != batch_id and _touches(later, event)
        }

    def prune(self, before: datetime, limit: int) -> int:
        with self._database.lock:
            batches = self._database.batches
            old = [batch for batch in batches[:-1] if batch.at < before][:limit]
            old_ids = {batch.id for batch in old}
            self._database.batches = [batch for batch in batches if batch.id not in old_ids]
            return len(old)

    def _list_batches(self) -> Sequence[Batch]:
        counts: dict[int, int] = {}
        for batch in self._database.batches:
            counts[batch.shown_id] = counts.get(batch.shown_id, 0) + len(batch.events)
        return [
            Batch(batch.id, batch.at, batch.origin, counts[batch.id])
            for batch in self._database.batches
            if batch.id == batch.shown_id
        ]

    def _product_ids(self, slug: str, batches: Iterable[MemoryBatch]) -> Iterator[int]:
        """Yield the id of the product with a slug; of deleted ones, those of their events."""
        state = self._database.state
        for product in state.products.values():
            if product.slug == slug:
                yield product.id
        if slug in state.aliases:
            yield state.aliases[slug]
        for batch in batches:
            for event in batch.events:
                if event.type is EventType.PRODUCT_DELETED and event.subject.slug == slug:
                    yield event.subject.product_id or 0


def _creates(event: Event) -> bool:
    return event.type.value.endswith(".created")


def _touches(later: Event, created: Event) -> bool:
    """Return whether a later event changed what an event created."""
    kind, later_kind = created.type.subject_type, later.type.subject_type
    if later_kind not in {"product", "variant", "category"} or later.type in STOCK_TYPES:
        return False
    if kind == "product":
        return later.subject.product_id == created.subject.id
    return later_kind == kind and later.subject.id == created.subject.id


def _matches(query: EventQuery, event: Event) -> bool:
    return (
        (query.types is None or event.type in query.types)
        and query.actor in {None, event.origin.actor}
        and query.source in {None, event.origin.source}
        and query.batch in {None, event.batch_id}
        and (query.since is None or event.at >= query.since)
        and (query.until is None or event.at < query.until)
    )


def _is_after(
    batch: MemoryBatch, event: Event, position: LogPosition, *, inclusive: bool = False
) -> bool:
    if batch.id != position.position:
        return batch.id > position.position
    if position.event is None:
        return False
    return event.id > position.event or (inclusive and event.id == position.event)
