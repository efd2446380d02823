"""Event writer: appends the events of a transaction to the log before its commit."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from json import JSONEncoder
from typing import Any

import sqlalchemy as sa
from attrs import define, field

from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.copy_format import encode_rows
from eggypro_core.domain.event import EventDraft
from eggypro_core.domain.origin import Origin, WriteContext, write_context

FLUSH_THRESHOLD = 1000
"""The number of pending events at which `flush` writes them."""
_KEY = "pending_events"
_json = JSONEncoder(ensure_ascii=False).encode
_COLUMNS = ("batch_id", "type", "subject_id", "product_id", "slug", "name", "version", "changes")
_BATCH_COLUMNS = ("actor", "source", "request_id", "reason", "reference", "part_of")
_INSERT_BATCH = (
    f"INSERT INTO batches ({', '.join(_BATCH_COLUMNS)})"
    f" VALUES ({', '.join(f'%({name})s' for name in _BATCH_COLUMNS)}) RETURNING id, part_of"
)
_UPDATE_BATCH = (
    "UPDATE batches SET ordinal = DEFAULT, at = clock_timestamp() WHERE id = %(batch_id)s"
    " RETURNING id, part_of"
)
_APPEND = f"""
    WITH batch AS ({{batch}}), event AS (
      INSERT INTO events ({", ".join(_COLUMNS)})
      SELECT batch.id, given.type,
        coalesce(nullif(given.subject_id, 0), batch.part_of, batch.id),
        given.product_id, given.slug, given.name, given.version, given.changes
      FROM batch, ROWS FROM (json_to_recordset(%(events)s::json) AS (
        type text, subject_id bigint, product_id int, slug text, name text, version int,
        changes json
      )) WITH ORDINALITY
        AS given (type, subject_id, product_id, slug, name, version, changes, number)
      ORDER BY number
    )
"""
APPEND_CTE = _APPEND.format(batch=_INSERT_BATCH)
"""WITH clause that appends a batch and its events; the SELECT after it can use `batch.id`.

The ids of the events are in their order.
"""
COMPLETE_CTE = _APPEND.format(batch=_UPDATE_BATCH)
"""WITH clause that appends the last events of a batch, and gives it the last ordinal."""


@define
class PendingEvents:
    """The events of an open transaction that are not written yet.

    The batch gets its ordinal just before the commit. If overlapping transactions changed the same
    row, the later one therefore has the greater ordinal. `part_of` is the first batch of an import
    in chunks.
    """

    default_origin: Origin
    context: WriteContext = field(factory=write_context)
    part_of: int | None = None
    _drafts: list[EventDraft] = field(factory=list)
    batch_id: int | None = None

    @property
    def has_changes(self) -> bool:
        """Return whether anything has been changed."""
        return bool(self._drafts) or self.batch_id is not None

    def add(self, drafts: Iterable[EventDraft]) -> None:
        """Add events to be written before the commit."""
        self._drafts += drafts

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Drop the events of a block that fails; its transaction must roll back if it has flushed.

        The batch has the origin of the last block.
        """
        count = len(self._drafts)
        self.context = write_context()
        with ExitStack() as on_failure:
            on_failure.callback(self._keep_first, count)
            yield
            on_failure.pop_all()

    def _keep_first(self, count: int) -> None:
        del self._drafts[count:]

    def begin_batch(self, connection: sa.Connection) -> int | None:
        """Return the id of the batch, inserted if necessary; None if nothing has been changed."""
        if self.batch_id is None and self._drafts:
            [self.batch_id] = connection.exec_driver_sql(
                f"WITH batch AS ({_INSERT_BATCH}) SELECT id FROM batch", self._batch_values()
            ).one()
            self.context.batch_ids.append(self.part_of or self.batch_id)
        return self.batch_id

    def flush(self, connection: sa.Connection) -> None:
        """Write the events so far if they are many: memory use does not grow with them."""
        if len(self._drafts) >= FLUSH_THRESHOLD:
            batch_id = self.begin_batch(connection)
            cursor = driver_connection(connection.connection).cursor()
            with cursor, cursor.copy(f"COPY events ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
                for chunk in encode_rows((batch_id, *_values(draft)) for draft in self._drafts):
                    copy.write(chunk)
            self._drafts.clear()

    def values(self) -> dict[str, Any] | None:
        """Return the values of APPEND_CTE or COMPLETE_CTE; None if nothing has been changed."""
        if not self.has_changes:
            return None
        # One value of JSON: arrays would take several times as long to send.
        events = _json(
            [dict(zip(_COLUMNS[1:], _values(draft), strict=True)) for draft in self._drafts]
        )
        return {**self._batch_values(), "events": events, "batch_id": self.batch_id}

    def _batch_values(self) -> dict[str, Any]:
        origin = self.context.origin_or(self.default_origin)
        return {
            "actor": origin.actor,
            "source": origin.source.value,
            "request_id": origin.request_id,
            "reason": origin.reason,
            "reference": origin.reference,
            "part_of": self.part_of,
        }

    def note_batch(self, batch_id: int) -> None:
        """Tell the context the id of the batch that was appended."""
        if self.batch_id is None:
            self.context.batch_ids.append(self.part_of or batch_id)


def begin_events(connection: sa.Connection, default_origin: Origin) -> PendingEvents:
    """Return the pending events of a new transaction."""
    pending = connection.info[_KEY] = PendingEvents(default_origin)
    return pending


def pending_events(connection: sa.Connection) -> PendingEvents:
    """Return the pending events of the open transaction of a connection."""
    pending: PendingEvents = connection.info[_KEY]
    return pending


def record_events(connection: sa.Connection, drafts: Iterable[EventDraft]) -> None:
    """Record events in the transaction of a connection: they are appended before its commit."""
    pending_events(connection).add(drafts)


def _values(draft: EventDraft) -> tuple[Any, ...]:
    """Return the values of an event, in the order of its columns after the batch."""
    subject = draft.subject
    return (
        draft.type.value,
        subject.id,
        subject.product_id,
        subject.slug or None,
        subject.name,
        draft.version,
        draft.changes,
    )
