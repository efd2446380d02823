"""Event log in Postgres: pages of events, and the positions of committed batches."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from attrs import frozen
from sqlalchemy.dialects.postgresql import ARRAY

from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.locks import EVENT_LOG_LOCK, wait_for_lock
from eggypro_adapters.postgres.schema import batches, events, products, slug_aliases
from eggypro_core.domain.event import Event, EventType, Subject
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
from eggypro_core.domain.origin import Origin, Source

_MAX_ASSIGNED = 10_000
"""The most batches that get their position in one transaction."""
_EVENT_COLUMNS = (
    batches.c.position,
    events.c.id,
    sa.func.coalesce(batches.c.part_of, batches.c.id).label("batch_id"),
    batches.c.at,
    batches.c.actor,
    batches.c.source,
    batches.c.request_id,
    batches.c.reason,
    batches.c.reference,
    events.c.type,
    events.c.subject_id,
    events.c.slug,
    events.c.name,
    events.c.product_id,
    events.c.version,
    events.c.changes,
)
_HAS_UNASSIGNED = CompiledStatement.compile(
    sa.select(sa.exists().where(batches.c.position.is_(None)))
)
_FIRST_BATCH = CompiledStatement.compile(sa.select(sa.func.min(batches.c.id)))
_ASSIGN_POSITIONS = sa.text(f"""
    UPDATE batches SET position = numbered.position
    FROM (
      SELECT id, row_number() OVER (ORDER BY ordinal)
        + (SELECT coalesce(max(position), 0) FROM batches) AS position
      FROM (
        SELECT id, ordinal FROM batches WHERE position IS NULL
        ORDER BY ordinal LIMIT {_MAX_ASSIGNED}
      ) AS unassigned
    ) AS numbered
    WHERE batches.id = numbered.id
""")
"""Give positions to the committed batches that have none, in the order of their ordinals."""
_TOUCHED = CompiledStatement.compile(
    sa.text("""
        WITH parts AS (SELECT id FROM batches WHERE id = :batch OR part_of = :batch),
          created AS (
            SELECT split_part(type, '.', 1) AS kind, subject_id, product_id, id FROM events
            WHERE batch_id IN (SELECT id FROM parts) AND type LIKE '%%.created'
          )
        SELECT DISTINCT created.kind, created.subject_id
        FROM created JOIN LATERAL (
          SELECT type, subject_id, batch_id FROM events AS later
          WHERE created.kind <> 'category' AND later.product_id = created.product_id
            AND later.id > created.id
          UNION ALL
          SELECT type, subject_id, batch_id FROM events AS later
          WHERE created.kind = 'category' AND later.product_id IS NULL
            AND later.subject_id = created.subject_id AND later.id > created.id
        ) AS later ON later.batch_id NOT IN (SELECT id FROM parts)
          AND later.type NOT LIKE '%%.stock_changed'
          AND CASE created.kind
            WHEN 'product' THEN later.type LIKE 'product.%%' OR later.type LIKE 'variant.%%'
            ELSE later.type LIKE created.kind || '.%%' AND later.subject_id = created.subject_id
          END
    """),
    is_prepared=False,
)
_BOUNDS = sa.select(
    sa.func.coalesce(sa.func.min(batches.c.position), 1),
    sa.func.coalesce(sa.func.max(batches.c.position), 0),
)
_PRUNE = sa.text("""
    WITH old AS (
      SELECT id FROM batches
      WHERE at < :before AND position < (SELECT max(position) FROM batches)
      ORDER BY position LIMIT :limit
    ), deleted AS (
      DELETE FROM events USING old WHERE batch_id = old.id
    )
    DELETE FROM batches USING old WHERE batches.id = old.id
""")


@frozen
class PostgresEventLog:
    """Read and prune the event log.

    A batch gets its position from the first reader after its commit, under a lock that readers hold
    for one statement. Positions therefore become visible in their order, although transactions
    overlap and commit in any order. An open transaction delays no other.
    """

    _database: Database

    def list(self, query: EventQuery) -> EventPage:
        self._assign_positions()
        first, last, rows = self._read(query)
        end = LogPosition(last)
        if query.after == LATEST:
            return EventPage((), end)
        if isinstance(query.after, LogPosition):
            require_in_log(query.after, first, last)
        if len(rows) == query.limit:
            position: LogPosition | None = LogPosition(rows[-1][0], rows[-1][1])
        else:
            position = None if query.order is Order.DESCENDING else end
        return EventPage(tuple(map(_event_from_row, rows)), position)

    def get_batch(self, batch_id: int) -> Batch:
        rows = self._database.fetch(_batch_statement(by_id=True), {"id": batch_id, "limit": 1})
        if not rows:
            first_id = self._database.fetch(_FIRST_BATCH, {})[0][0]
            raise missing_batch_error(batch_id, first_id)
        return _batch_from_row(rows[0])

    def list_batches(self, query: BatchQuery) -> tuple[Batch, ...]:
        statement = _batch_statement(
            source=query.source is not None, before=query.before is not None
        )
        values = {"source": query.source, "before": query.before, "limit": query.limit}
        return tuple(map(_batch_from_row, self._database.fetch(statement, values)))

    def find_touched(self, batch_id: int) -> Collection[tuple[str, int]]:
        rows = self._database.fetch(_TOUCHED, {"batch": batch_id})
        return {(kind, subject_id) for kind, subject_id in rows}

    def prune(self, before: datetime, limit: int) -> int:
        self._assign_positions()
        values = {"before": before, "limit": limit}
        return self._database.run_transaction(
            lambda connection: connection.execute(_PRUNE, values).rowcount
        )

    def _assign_positions(self) -> None:
        """Give a position to every batch that was committed before this call."""
        while self._database.fetch(_HAS_UNASSIGNED, {})[0][0]:
            if self._database.run_transaction(assign_positions) < _MAX_ASSIGNED:
                return

    def _read(self, query: EventQuery) -> tuple[int, int, Sequence[Sequence[Any]]]:
        """Return the first and the last position of the log, and the rows of a page."""
        after = query.after if isinstance(query.after, LogPosition) else None
        if after is None and query.order is Order.ASCENDING:
            after = START
        names = ("product", "types", "actor", "source", "batch", "since", "until")
        values: dict[str, Any] = {name: getattr(query, name) for name in names}
        filters = frozenset(name for name, value in values.items() if value is not None)
        after_event = None if after is None else after.event is not None
        statement = _page_statement(filters, query.order, after_event=after_event)
        values["types"] = None if query.types is None else [kind.value for kind in query.types]
        values["position"], values["event"] = (after.position, after.event) if after else (0, 0)
        values["limit"] = 0 if query.after == LATEST else query.limit
        rows = self._database.fetch(statement, values)
        return rows[0][0], rows[0][1], [row[2:] for row in rows if row[2] is not None]


def assign_positions(connection: sa.Connection) -> int:
    """Give positions to committed batches, and return their number. Waits for other readers."""
    wait_for_lock(connection, EVENT_LOG_LOCK)
    return connection.execute(_ASSIGN_POSITIONS).rowcount


@cache
def _page_statement(
    filters: frozenset[str],
    order: Order,
    *,
    after_event: bool | None,
) -> CompiledStatement:
    """Return the statement of a page: the bounds of the log and _EVENT_COLUMNS.

    `after_event` is None without a position, and otherwise whether that names an event.
    """
    is_ascending = order is Order.ASCENDING
    conditions = [batches.c.position.is_not(None), *(_FILTERS[name] for name in sorted(filters))]
    if after_event is not None:
        conditions.append(_after(is_ascending=is_ascending, after_event=after_event))
    position = (batches.c.position, events.c.id)
    page = (
        sa.select(*_EVENT_COLUMNS)
        .join_from(batches, events, events.c.batch_id == batches.c.id)
        .where(*conditions)
        .order_by(*(position if is_ascending else (column.desc() for column in position)))
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .subquery()
    )
    bounds = _BOUNDS.subquery()
    in_order = (page.c.position, page.c.id)
    return CompiledStatement.compile(
        sa.select(*bounds.c, *page.c)
        .select_from(bounds.outerjoin(page, sa.true()))
        .order_by(*(in_order if is_ascending else (column.desc() for column in in_order))),
        is_prepared=False,  # the filters decide which index is best
    )


def _after(*, is_ascending: bool, after_event: bool) -> sa.ColumnElement[bool]:
    position = sa.bindparam("position", type_=sa.BigInteger)
    column = batches.c.position
    if not after_event:
        return column > position if is_ascending else column <= position
    event = sa.bindparam("event", type_=sa.BigInteger)
    bound = column >= position if is_ascending else column <= position
    here = events.c.id > event if is_ascending else events.c.id < event
    return sa.and_(bound, sa.or_(column != position, here))


_PRODUCT = sa.bindparam("product", type_=sa.Text)
_FILTERS: dict[str, sa.ColumnElement[bool]] = {
    "product": events.c.product_id.in_(
        sa.union_all(
            sa.select(products.c.id).where(products.c.slug == _PRODUCT),
            sa.select(slug_aliases.c.product_id).where(slug_aliases.c.slug == _PRODUCT),
            sa.select(events.c.product_id).where(
                events.c.slug == _PRODUCT,
                events.c.type == sa.literal_column(f"'{EventType.PRODUCT_DELETED}'"),
            ),
        )
    ),
    "types": events.c.type == sa.func.any(sa.bindparam("types", type_=ARRAY(sa.Text))),
    "actor": batches.c.actor == sa.bindparam("actor", type_=sa.Text),
    "source": batches.c.source == sa.bindparam("source", type_=sa.Text),
    "batch": sa.or_(
        batches.c.id == sa.bindparam("batch", type_=sa.BigInteger),
        batches.c.part_of == sa.bindparam("batch", type_=sa.BigInteger),
    ),
    "since": batches.c.at >= sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    "until": batches.c.at < sa.bindparam("until", type_=sa.DateTime(timezone=True)),
}


@cache
def _batch_statement(
    *, by_id: bool = False, source: bool = False, before: bool = False
) -> CompiledStatement:
    """Return the statement of batches: their columns, and the number of their events."""
    part = batches.alias("part")
    count = (
        sa.select(sa.func.count())
        .select_from(part.join(events, events.c.batch_id == part.c.id))
        .where(sa.or_(part.c.id == batches.c.id, part.c.part_of == batches.c.id))
        .scalar_subquery()
    )
    conditions: list[sa.ColumnElement[bool]] = [batches.c.part_of.is_(None)]
    if by_id:
        conditions.append(batches.c.id == sa.bindparam("id", type_=sa.BigInteger))
    if source:
        conditions.append(_FILTERS["source"])
    if before:
        conditions.append(batches.c.id < sa.bindparam("before", type_=sa.BigInteger))
    names = ("id", "at", "actor", "source", "request_id", "reason", "reference")
    return CompiledStatement.compile(
        sa.select(*(batches.c[name] for name in names), count)
        .where(*conditions)
        .order_by(batches.c.id.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer)),
        is_prepared=False,
    )


def _event_from_row(row: Sequence[Any]) -> Event:
    _, event_id, batch_id, at, *rest = row
    origin, (kind, subject_id, slug, name, product_id, version, changes) = rest[:5], rest[5:]
    subject = Subject(subject_id or 0, slug or "", name, product_id)
    return Event(
        event_id, batch_id, at, _origin(origin), EventType(kind), subject, version, changes
    )


def _origin(values: Sequence[Any]) -> Origin:
    actor, source, *rest = values
    return Origin(actor, Source(source), *rest)


def _batch_from_row(row: Sequence[Any]) -> Batch:
    batch_id, at, *origin, count = row
    return Batch(batch_id, at, _origin(origin), count)
