"""The feed of events has no gap and no repetition, whatever transactions overlap."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal

import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.event_log import EventStores
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.event_writer import FLUSH_THRESHOLD
from eggypro_adapters.postgres.events import assign_positions
from eggypro_core.domain.event import Event
from eggypro_core.domain.event_query import EventQuery
from eggypro_core.domain.product import Product
from eggypro_core.errors import ConflictError, UnavailableError
from tests.adapters.postgres.test_events import make_stores
from tests.support.lock_waits import wait_until_blocked

WRITERS, WRITES, READERS = 4, 25, 3
KILL = sa.text("SELECT pg_terminate_backend(:pid)")
PID = sa.text("SELECT pg_backend_pid()")
ADD_BATCH = sa.text("""
    WITH added AS (
      INSERT INTO batches (ordinal, actor, source) VALUES (:ordinal, 'a', 'library') RETURNING id
    )
    INSERT INTO events (batch_id, type, subject_id, slug, name)
    SELECT id, 'product.created', id, :slug, 'x' FROM added
""")


def follow(stores: EventStores, ended: Signal) -> Sequence[Event]:
    """Follow the feed until the writers have ended and nothing is left."""
    events: list[Event] = []
    query = EventQuery(limit=7)
    while True:
        is_last = ended.is_set()
        page = stores.log.list(query)
        events += page.items
        if is_last and not page.items:
            return events
        assert page.next_position is not None
        query = query.from_position(page.next_position)


def write(stores: EventStores, writer: int) -> None:
    """Write to shared products; every fifth write is refused and rolls back."""
    for number in range(WRITES):
        slug = f"p-{(writer + number) % 3}"

        def change(product: Product, number: int = number) -> Product:
            if number % 5 == 0:
                raise ConflictError("refused")
            name = f"{writer} {number}"
            return evolve(product, name=name, version=product.version + 1)

        try:
            stores.products.update(slug, change)
        except ConflictError:
            stores.products.adjust_stock(slug, 1)


def test_readers_get_every_event_once_and_each_subject_in_order(database: Database) -> None:
    stores = make_stores(database)
    for number in range(3):
        stores.products.create(make_draft(slug=f"p-{number}"), NOON)
    ended = Signal()
    with ThreadPoolExecutor(READERS + WRITERS) as pool:
        readers = [pool.submit(follow, stores, ended) for _ in range(READERS)]
        try:
            before = _write_during_an_import(stores, database, pool)
        finally:
            ended.set()
        followed = [reader.result() for reader in readers]
    stored = stores.log.list(EventQuery(limit=1000)).items
    assert len(stored) == 3 + WRITERS * WRITES + 2
    for events in followed:
        assert list(events) == list(stored)
    # The import delayed nobody: its events came last, although their ids are lower.
    assert list(stored[: len(before)]) == list(before)
    assert [event.subject.slug for event in stored[len(before) :]] == ["imported", ""]
    for slug in ("p-0", "p-1", "p-2"):
        versions = [event.version or 0 for event in stored if event.subject.slug == slug]
        assert versions == sorted(versions)


def _write_during_an_import(
    stores: EventStores, database: Database, pool: ThreadPoolExecutor
) -> Sequence[Event]:
    """Run all writers while an import is open; return the events before its commit."""
    with stores.products.begin_import() as session:
        session.write_products([make_draft(slug="imported")], [], NOON)
        session.find_product_ids(["imported"])  # waits for the write of the products
        writers = [pool.submit(write, stores, writer) for writer in range(WRITERS)]
        _write_and_die(database)
        for future in writers:
            future.result()
        before = stores.log.list(EventQuery(limit=1000)).items
        session.commit()
    return before


def _write_and_die(database: Database) -> None:
    """Lose the connection of a transaction that has written."""
    stores = make_stores(database)
    try:
        with database.short_transaction() as connection:
            transaction = make_stores(database.for_transaction(connection))
            transaction.products.create(make_draft(slug="lost"), NOON)
            pid = connection.scalar(PID)
            with database.short_transaction() as other:
                other.execute(KILL, {"pid": pid})
            connection.execute(PID)
    except UnavailableError:
        pass
    assert not stores.log.list(EventQuery(product="lost")).items


def test_the_import_is_numbered_after_writes_that_it_waited_for(database: Database) -> None:
    """The import's batch begins first, but changes the product last."""
    stores = make_stores(database)
    stores.products.create(make_draft(slug="egg"), NOON)
    drafts = [make_draft(slug=f"p-{number}") for number in range(FLUSH_THRESHOLD)]
    with stores.products.begin_import() as session:
        session.write_products(drafts, [], NOON)
        session.find_product_ids(["p-1"])  # waits for the write of the products and their events
        stores.products.set_stock("egg", 3)
        product_id = stores.products.get("egg").id
        session.lock_products([product_id])
        session.set_stock({(product_id, None): 7})
        session.commit()
    events = stores.log.list(EventQuery(product="egg")).items
    stock = [event.changes for event in events if event.changes]
    assert stock == [{"stock_quantity": [0, 3]}, {"stock_quantity": [3, 7]}]


def test_a_feed_of_more_batches_than_are_numbered_at_once(database: Database) -> None:
    stores = make_stores(database)
    with database.short_transaction() as connection:
        connection.execute(
            sa.text("""
                WITH added AS (
                  INSERT INTO batches (actor, source)
                  SELECT 'a', 'library' FROM generate_series(1, 20001) RETURNING id
                )
                INSERT INTO events (batch_id, type, subject_id, name)
                SELECT id, 'product.created', id, 'x' FROM added
            """)
        )
    page = stores.log.list(EventQuery(limit=1))
    assert page.items[0].id == 1
    with database.short_transaction() as connection:
        left = connection.scalar(sa.text("SELECT count(*) FROM batches WHERE position IS NULL"))
    assert left == 0


def test_readers_give_positions_one_after_another(database: Database) -> None:
    """A batch keeps its position while another reader numbers one with a lower ordinal."""
    log = make_stores(database).log
    with database.short_transaction() as connection:
        connection.execute(ADD_BATCH, {"ordinal": 5000, "slug": "first"})
    with ThreadPoolExecutor(1) as pool:
        with database.short_transaction() as connection:
            assign_positions(connection)
            with database.short_transaction() as other:
                other.execute(ADD_BATCH, {"ordinal": 4000, "slug": "second"})
            reading = pool.submit(log.list, EventQuery())
            wait_until_blocked(database, reading)
        page = reading.result()
    assert [event.subject.slug for event in page.items] == ["first", "second"]
