import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, Event, Thread

import psycopg
import pytest
import sqlalchemy as sa
from attrs import evolve

from eggypro_adapters.contracts.clock import NOON, FakeMonotonicClock
from eggypro_adapters.contracts.invalidation_feed import (
    EGG,
    MILK,
    InvalidationFeedContract,
    WriteTag,
    wait_for_current_snapshot,
    wait_for_snapshot,
)
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_for_event, wait_until
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation.feed import (
    MAX_HISTORIES,
    PostgresInvalidationFeed,
    WriteVersions,
)
from eggypro_adapters.postgres.invalidation.shared_versions import SharedVersions
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.caching.entries import (
    ALL_TAGS,
    CATEGORY_TREE_TAG,
    ListTag,
    Snapshot,
    product_tag,
)
from eggypro_core.errors import UnavailableError
from tests.support.builders import make_shop, product_values
from tests.support.postgres_roles import connect_driver, create_role
from tests.support.small_disk import command_on_small_disk
from tests.support.tcp_proxy import run_proxy

CHEESE = (product_tag("cheese"),)
ROOT = Path(__file__).parents[3]

KILLED_WRITER = """
import os, signal, sys
import sqlalchemy as sa
from pathlib import Path
from eggypro_adapters.contracts.clock import NOON, FakeMonotonicClock
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from eggypro_adapters.postgres.database import Database

database = Database.connect(sys.argv[1], record_write=WriteVersions(Path(sys.argv[2])).record)
with database.long_transaction() as connection:
    connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
    def die(*_):
        connection.connection.driver_connection.commit()
        os.kill(os.getpid(), signal.SIGKILL)
    sa.event.listen(connection, "commit", die)
"""
"""A writer that is killed right after its commit."""

FULL_DISK = """
import sys
from pathlib import Path
from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from tests.support.small_disk import fill_disk

folder = Path(sys.argv[1])
versions = WriteVersions(folder)
versions.for_history("old")
filler = fill_disk(folder)
versions.record("old", 7, "egg")
print(versions.for_history("old").latest(("egg",)))
versions.record("new", 8, "egg")
print(bool(versions.for_history("new").problem))
print(versions.for_history("new").latest(("egg",)))
filler.unlink()
print(bool(versions.for_history("new").problem))
print(versions.for_history("new").latest_of_all())
"""
"""Versions of two histories: one opened before the disk is full, one afterwards."""


SAMPLE_ROWS = [
    (
        "INSERT INTO products (name, slug, description, details, price, name_key)"
        " VALUES ('Egg', 'egg', '', '', 1, 'egg')"
    ),
    (
        "INSERT INTO variants (product_id, options, combination, price)"
        " SELECT id, '{}', 'a', 1 FROM products"
    ),
    (
        "INSERT INTO reviews (product_id, reviewer_name, rating, comment, is_verified)"
        " SELECT id, 'Bob', 5, 'Good', true FROM products"
    ),
    "INSERT INTO categories (name, slug) VALUES ('Eggs', 'eggs')",
    "INSERT INTO product_categories SELECT products.id, categories.id FROM products, categories",
]

KILL_OTHER_CONNECTIONS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Terminates all connections except its own."""


@pytest.fixture
def database_url(emptied_database: Database) -> sa.URL:
    return emptied_database.engine.url


@pytest.fixture
def write_versions(tmp_path: Path) -> Iterator[WriteVersions]:
    """Versions whose lease never expires, since a busy machine may be slow."""
    versions = WriteVersions(tmp_path, FakeMonotonicClock())
    yield versions
    versions.close()


@pytest.fixture
def writing_database(
    database_url: sa.URL, connect_database: Callable[..., Database], write_versions: WriteVersions
) -> Database:
    return connect_database(database_url, size=4, record_write=write_versions.record)


@pytest.fixture
def changes(
    database: Database, write_versions: WriteVersions
) -> Iterator[PostgresInvalidationFeed]:
    with PostgresInvalidationFeed(database, write_versions).running() as changes:
        yield changes


def make_touch(database: Database) -> WriteTag:
    def touch(tag: str) -> None:
        statement = sa.text("SELECT eggypro_touch(:tag)")
        database.run_transaction(lambda connection: connection.execute(statement, {"tag": tag}))

    return touch


class TestPostgresInvalidationFeed(InvalidationFeedContract):
    @pytest.fixture
    def feed(self, changes: PostgresInvalidationFeed) -> PostgresInvalidationFeed:
        return changes

    @pytest.fixture
    def write_tag(self, writing_database: Database) -> WriteTag:
        return make_touch(writing_database)


def test_write_of_another_client_makes_snapshot_stale(
    changes: PostgresInvalidationFeed, database_url: sa.URL
) -> None:
    before = wait_for_snapshot(changes)
    conninfo = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE products SET name = 'x'")  # touches nothing: there are none
        connection.execute("INSERT INTO categories (name, slug) VALUES ('Eggs', 'eggs')")
    wait_until(lambda: changes.is_stale(before, (CATEGORY_TREE_TAG,)))
    assert not changes.is_stale(wait_for_current_snapshot(changes, EGG), EGG)


def test_snapshot_taken_during_write_is_stale_afterwards(
    changes: PostgresInvalidationFeed, writing_database: Database
) -> None:
    wait_for_snapshot(changes)
    touch = sa.text("SELECT eggypro_touch('product:egg')")
    with writing_database.long_transaction() as connection:
        connection.execute(touch)
        during = wait_for_snapshot(changes)
    assert changes.is_stale(during, EGG)


def test_all_tags_of_a_transaction_are_recorded_before_its_commit(
    database_url: sa.URL, connect_database: Callable[..., Database]
) -> None:
    tags = list[str]()
    database = connect_database(database_url, record_write=lambda *write: tags.append(write[2]))
    with database.long_transaction() as connection:
        for tag in (*EGG, *MILK):
            connection.execute(sa.text("SELECT eggypro_touch(:tag)"), {"tag": tag})
    assert [text.split() for text in tags] == [[*EGG, *MILK]]


def test_rolled_back_write_invalidates_nothing(
    changes: PostgresInvalidationFeed, writing_database: Database
) -> None:
    snapshot = wait_for_current_snapshot(changes, EGG)

    def fail(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writing_database.run_transaction(fail)
    assert not changes.is_stale(snapshot, EGG)


def test_write_is_invalidated_if_its_writer_is_killed_after_commit(
    changes: PostgresInvalidationFeed, database_url: sa.URL, tmp_path: Path
) -> None:
    before = wait_for_snapshot(changes)
    url = database_url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", KILLED_WRITER, url, str(tmp_path)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert changes.is_stale(before, EGG)


def test_write_during_lost_connection_is_detected_after_reconnect(
    changes: PostgresInvalidationFeed, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = wait_for_current_snapshot(changes, MILK)
    with database.long_transaction() as connection:
        assert connection.execute(KILL_OTHER_CONNECTIONS).all()
        connection.execute(sa.text("SELECT eggypro_touch('product:milk')"))
    wait_until(lambda: changes.is_stale(snapshot, MILK))
    assert not changes.is_stale(wait_for_current_snapshot(changes, MILK), MILK)
    assert "while the invalidation feed is disconnected" in caplog.text


def test_write_during_lost_connection_is_detected_despite_an_older_transaction(
    changes: PostgresInvalidationFeed, database: Database
) -> None:
    with database.long_transaction() as older:
        older.execute(sa.text("SELECT pg_current_xact_id()"))
        snapshot = wait_for_current_snapshot(changes, MILK)
        assert changes._connection is not None
        pid = changes._connection.info.backend_pid
        with database.long_transaction() as connection:
            connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
            connection.execute(sa.text("SELECT eggypro_touch('product:milk')"))
        wait_until(lambda: changes.is_stale(snapshot, MILK))


@contextmanager
def running_transaction(url: sa.URL) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Hold open a transaction that has a number; yield its connection."""
    with closing(connect_driver(url)) as connection:
        connection.autocommit = False
        connection.execute("SELECT pg_current_xact_id()")
        yield connection


def test_a_transaction_in_another_database_delays_no_snapshot(
    database_url: sa.URL,
    connect_database: Callable[..., Database],
    writing_database: Database,
    write_versions: WriteVersions,
) -> None:
    """The same holds for a worker that starts meanwhile, as a role with almost no privileges."""
    role = create_role(database_url)
    with running_transaction(database_url.set(database="postgres")):
        make_touch(writing_database)(EGG[0])
        feed = PostgresInvalidationFeed(connect_database(role, size=1), write_versions)
        with feed.running() as changes:
            wait_for_current_snapshot(changes, EGG)
            make_touch(writing_database)(EGG[0])
            wait_for_current_snapshot(changes, EGG)


def test_a_worker_that_starts_during_a_transaction_caches_what_was_not_written_since(
    changes: PostgresInvalidationFeed,
    database_url: sa.URL,
    database: Database,
    writing_database: Database,
    write_versions: WriteVersions,
) -> None:
    before = wait_for_snapshot(changes)
    with running_transaction(database_url) as older:
        older.execute("SELECT eggypro_touch('product:cheese')")
        make_touch(writing_database)(EGG[0])
        with PostgresInvalidationFeed(database, write_versions).running() as started:
            wait_for_snapshot(started)
            assert started._state is not None
            earliest = evolve(before, end=started._state.first_number)  # perhaps before the start
            assert started.is_stale(earliest, MILK)
            make_touch(writing_database)(EGG[0])  # ends after the feed has started
            during = wait_for_current_snapshot(started, MILK)
            assert started.is_stale(during, EGG)
            assert started.is_stale(before, MILK)
            assert not started.is_stale(during, CHEESE)
            older.commit()
            wait_until(lambda: started.is_stale(during, CHEESE))
            wait_for_current_snapshot(started, EGG)


def test_snapshot_is_not_stale_before_the_database_is_surely_back(
    changes: PostgresInvalidationFeed, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot, attempted = wait_for_current_snapshot(changes, MILK), Event()

    def fail(*_: object) -> None:
        attempted.set()
        raise UnavailableError("Unavailable again")

    monkeypatch.setattr(changes, "_renew_lease", fail)
    with database.long_transaction() as connection:
        connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
        connection.execute(KILL_OTHER_CONNECTIONS)
    wait_for_event(attempted)
    wait_until(lambda: changes.snapshot() is None)  # nothing new is cached
    assert not changes.is_stale(snapshot, MILK)


def test_lease_expires_after_two_and_a_half_seconds_without_response(
    database_url: sa.URL, connect_database: Callable[..., Database], tmp_path: Path
) -> None:
    clock = FakeMonotonicClock()
    versions = WriteVersions(tmp_path, clock)
    with run_proxy(f"{database_url.query['host']}/.s.PGSQL.5432") as proxy:
        url = database_url.set(host="127.0.0.1", port=proxy.port, query={})
        database = connect_database(url, size=1)
        with PostgresInvalidationFeed(database, versions).running() as changes:
            wait_for_snapshot(changes)
            assert versions.required_version() is not None
            proxy.freeze()
            clock.now += 2.5
            assert changes.snapshot() is None
            assert versions.required_version() is None, "reads would go to a replica"
            proxy.unfreeze()
    versions.close()


def test_behind_a_pooler_there_is_no_snapshot(
    database: Database, write_versions: WriteVersions, caplog: pytest.LogCaptureFixture
) -> None:
    feed = PostgresInvalidationFeed(database, write_versions, lambda _: True)
    with caplog.at_level(logging.WARNING), feed.running() as changes:
        wait_until(lambda: "POSTGRES_URL_NON_POOLING" in caplog.text)
        assert changes.snapshot() is None
        assert changes.is_stale(Snapshot("any", 1), EGG)


def test_feed_starts_without_a_database_and_logs_the_reason_once(
    connect_database: Callable[..., Database],
    write_versions: WriteVersions,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing = connect_database(f"postgresql+psycopg:///egg?host={tmp_path}", size=1)
    failures = list[None]()
    missing.restart_server_with(lambda: failures.append(None))
    with PostgresInvalidationFeed(missing, write_versions).running() as changes:
        wait_until(lambda: len(failures) >= 3)
        assert changes.snapshot() is None
    assert caplog.text.count("Responses are not cached while the invalidation feed") == 1
    assert "Nothing listens at" in caplog.text
    with pytest.raises(UnavailableError):
        missing.revision()


def test_nothing_is_cached_before_the_database_has_all_triggers(
    database: Database,
    write_versions: WriteVersions,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Writes to a database of the previous version do not touch the tags of lists."""
    _execute(database, "ALTER FUNCTION eggypro_search_touched() RENAME TO eggypro_hidden")
    with PostgresInvalidationFeed(database, write_versions).running() as changes:
        wait_until(lambda: "the triggers of an earlier version" in caplog.text)
        assert changes.snapshot() is None
        _execute(database, "ALTER FUNCTION eggypro_hidden() RENAME TO eggypro_search_touched")
        wait_for_snapshot(changes)


def _execute(database: Database, statement: str) -> None:
    database.run_transaction(lambda connection: connection.execute(sa.text(statement)))


def test_write_to_many_products_invalidates_everything(
    changes: PostgresInvalidationFeed, writing_database: Database
) -> None:
    store = PostgresProductStore(writing_database)
    shop = make_shop(store)
    for number in range(60):
        shop.products.create(product_values(name=f"Egg {number}", slug=f"egg-{number}"))
    snapshot = wait_for_current_snapshot(changes, (ListTag.PRICE,))
    with writing_database.long_transaction() as connection:
        connection.execute(sa.text("UPDATE products SET price = price + 1"))
    assert changes.is_stale(snapshot, (product_tag("egg-7"),))
    assert changes.is_stale(snapshot, (product_tag("elsewhere"),))


INSERT_MILK = (
    "WITH milk AS (INSERT INTO products (name, slug, description, details, price, name_key)"
    " VALUES ('Milk', 'milk', '', '', 1, 'milk') RETURNING id)"
)
PRODUCT_TABLES = ("variants", "reviews", "product_categories")
STATEMENTS_BY_TAG = {
    "product:egg": [
        "UPDATE products SET name = 'Egg'",
        "UPDATE products SET slug = 'eggs'",
        "DELETE FROM products",
        (
            "INSERT INTO variants (product_id, options, combination, price) SELECT id, '{}', 'x', 1"
            " FROM products"
        ),
        "UPDATE variants SET image = 'https://x.example'",
        "DELETE FROM variants",
        (
            "INSERT INTO reviews (product_id, reviewer_name, rating, comment, is_verified)"
            " SELECT id, 'Ada', 5, 'Good', true FROM products"
        ),
        "UPDATE reviews SET comment = 'Better'",
        "UPDATE reviews SET is_verified = false",
        "DELETE FROM reviews",
        "DELETE FROM product_categories",
        "TRUNCATE variants CASCADE",
        *(
            f"{INSERT_MILK} UPDATE {table} SET product_id = milk.id FROM milk"
            for table in PRODUCT_TABLES
        ),
    ],
    "product:milk": [
        "UPDATE products SET slug = 'milk'",
        (
            "INSERT INTO products (name, slug, description, details, price, name_key)"
            " VALUES ('Milk', 'milk', '', '', 1, 'milk')"
        ),
    ],
    "products": [  # servers of the previous version read this tag
        "UPDATE products SET stock_quantity = 3",
        "UPDATE variants SET stock_quantity = 3",
        "DELETE FROM product_categories",
        "DELETE FROM products",
    ],
    CATEGORY_TREE_TAG: [
        "UPDATE categories SET name = 'Egg'",
        "DELETE FROM categories",
        "INSERT INTO categories (name, slug) VALUES ('Milk', 'milk')",
    ],
}


@pytest.mark.parametrize(
    ("tag", "statement"),
    [(tag, statement) for tag, statements in STATEMENTS_BY_TAG.items() for statement in statements],
)
def test_plain_sql_invalidates_the_tags_it_touches(
    changes: PostgresInvalidationFeed, writing_database: Database, tag: str, statement: str
) -> None:
    with writing_database.long_transaction() as connection:
        for insertion in SAMPLE_ROWS:
            connection.execute(sa.text(insertion))
    snapshot = wait_for_current_snapshot(changes, (tag,))
    with writing_database.long_transaction() as connection:
        connection.execute(sa.text(statement))
    assert changes.is_stale(snapshot, (tag,))


LIST_TAGS_BY_STATEMENT: dict[str, set[ListTag]] = {
    "UPDATE products SET name_key = 'eggs'": {ListTag.NAME},
    "UPDATE products SET price = 2": {ListTag.PRICE},
    "UPDATE products SET stock_quantity = 4": set(),
    "UPDATE products SET stock_quantity = 0": {ListTag.STOCK},
    "UPDATE products SET track_stock = false": set(),
    "UPDATE products SET track_stock = false, stock_quantity = 0": set(),
    "UPDATE products SET is_active = false": {ListTag.MEMBERSHIP},
    "UPDATE products SET is_listed = false": {ListTag.MEMBERSHIP},
    "UPDATE products SET rating_average = 4, rating_count = 1": {ListTag.RATING},
    "UPDATE products SET sku = 'C1' WHERE slug = 'egg'": {ListTag.SEARCH},
    "UPDATE products SET gtin = '4006381333931'": {ListTag.SEARCH},
    "UPDATE products SET slug = 'eggs' WHERE slug = 'egg'": set(),
    "UPDATE products SET seo_title = 'x', images = '{a}', image_alts = '{b}'": set(),
    "DELETE FROM products WHERE slug = 'milk'": {ListTag.SEARCH},
    "UPDATE products SET price = 2 WHERE slug = 'milk'": set(),
    "UPDATE products SET gtin = '4006381333931' WHERE slug = 'milk'": {ListTag.SEARCH},
    "UPDATE variants SET stock_quantity = 3, price = 2": set(),
    "UPDATE variants SET sku = 'C1'": {ListTag.SEARCH},
    "UPDATE variants SET gtin = '4006381333931'": {ListTag.SEARCH},
    "DELETE FROM variants": {ListTag.SEARCH},
    "UPDATE reviews SET comment = 'Better'": set(),
    "DELETE FROM product_categories": {ListTag.CATEGORIES},
    "UPDATE categories SET name = 'Egg'": set(),
    "INSERT INTO search_words (word, stem, slips) VALUES ('egg', 'egg', '{}')": {ListTag.SEARCH},
    "UPDATE product_search SET words = 'Aegg'": {ListTag.SEARCH},
    "UPDATE product_search SET score = 1": set(),
}
"""The tags of lists that statements touch, on SAMPLE_ROWS and an unlisted product `milk`."""


@pytest.mark.parametrize(("statement", "list_tags"), LIST_TAGS_BY_STATEMENT.items())
def test_plain_sql_touches_the_lists_that_it_can_change_and_no_others(
    database_url: sa.URL,
    connect_database: Callable[..., Database],
    statement: str,
    list_tags: set[ListTag],
) -> None:
    tags = list[str]()
    database = connect_database(database_url, record_write=lambda *write: tags.append(write[2]))
    with database.long_transaction() as connection:
        for insertion in SAMPLE_ROWS:
            connection.execute(sa.text(insertion))
        connection.execute(sa.text(f"{INSERT_MILK} SELECT FROM milk"))
        connection.execute(sa.text("UPDATE products SET is_listed = slug <> 'milk'"))
        connection.execute(sa.text("UPDATE products SET stock_quantity = 3"))
    tags.clear()
    with database.long_transaction() as connection:
        connection.execute(sa.text(statement))
    touched = {tag for text in tags for tag in text.split()}
    assert touched & {*ListTag} == list_tags


def test_import_of_many_long_slugs_invalidates_everything(
    changes: PostgresInvalidationFeed, writing_database: Database
) -> None:
    snapshot = wait_for_current_snapshot(changes, MILK)
    slugs = [f"{number}-".ljust(255, "x") for number in range(40)]
    with PostgresProductStore(writing_database).begin_import() as session:
        session.write_products([make_draft(slug=slug) for slug in slugs], [], NOON)
        session.commit()
    for tag in (product_tag(slugs[0]), product_tag(slugs[-1]), *MILK):
        assert changes.is_stale(snapshot, (tag,))


def test_pending_review_invalidates_nothing(
    changes: PostgresInvalidationFeed, writing_database: Database
) -> None:
    with writing_database.long_transaction() as connection:
        for insertion in SAMPLE_ROWS:
            connection.execute(sa.text(insertion))
    snapshot = wait_for_current_snapshot(changes, (*ListTag, *EGG))
    pending = SAMPLE_ROWS[2].replace("true", "false")
    with writing_database.long_transaction() as connection:
        connection.execute(sa.text(pending))
    assert not changes.is_stale(snapshot, (*ListTag, *EGG))


def test_versions_are_shared_by_processes_and_only_grow(tmp_path: Path) -> None:
    versions = SharedVersions(tmp_path, "h")
    with get_context("spawn").Pool(4) as processes:
        processes.starmap(_bump, [(tmp_path, number) for number in range(1, 200)])
    assert versions.latest(("egg",)) == 199
    assert versions.latest(("milk",)) == 0
    versions.bump(300, [ALL_TAGS])
    assert versions.latest(("milk",)) == 300
    assert versions.latest(()) == 300
    versions.close()


def _bump(folder: Path, number: int) -> None:
    versions = SharedVersions(folder, "h")
    versions.bump(number, ["egg"])
    versions.close()


def test_versions_of_unused_histories_are_deleted(tmp_path: Path) -> None:
    used, unused = SharedVersions(tmp_path, "used"), SharedVersions(tmp_path, "unused")
    unused.close()
    SharedVersions(tmp_path, "new").close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changes-new", "changes-used"]
    used.close()


def test_versions_are_private_if_the_file_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    versions = SharedVersions(tmp_path / "file", "h")
    versions.bump(3, ["egg"])
    assert (bool(versions.problem), versions.latest(("egg",))) == (True, 3)
    versions.close()


def test_versions_can_be_written_on_a_full_disk_and_new_ones_are_private(tmp_path: Path) -> None:
    script = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    command = command_on_small_disk(tmp_path, "2m", script)
    output = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert output.split() == [b"7", b"True", b"8", b"False", b"8"]


def test_versions_of_former_histories_are_closed(tmp_path: Path) -> None:
    versions = WriteVersions(tmp_path)
    for number in range(3 * MAX_HISTORIES):
        versions.record(f"h{number}", number, "egg")
        versions.record("current", number, "egg")
    assert versions.for_history("current").latest_of_all() == 3 * MAX_HISTORIES - 1
    versions.close()
    SharedVersions(tmp_path, "new").close()
    assert [path.name for path in tmp_path.iterdir()] == ["changes-new"]


def test_versions_are_shared_again_as_soon_as_possible(tmp_path: Path) -> None:
    blocker = tmp_path / "data"
    blocker.touch()
    versions = WriteVersions(blocker)
    versions.record("h", 3, "egg")
    assert f"{blocker} cannot be written" in versions.for_history("h").problem
    blocker.unlink()
    versions.record("h", 2, "milk")
    assert not versions.for_history("h").problem
    assert versions.for_history("h").latest_of_all() == 3
    versions.close()


def test_nothing_is_cached_while_versions_are_private(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocker = tmp_path / "data"
    blocker.touch()
    versions = WriteVersions(blocker, FakeMonotonicClock())
    with PostgresInvalidationFeed(database, versions).running() as changes:
        wait_until(lambda: versions.required_version() is not None)
        assert changes.snapshot() is None
        blocker.unlink()
        wait_for_snapshot(changes)
    versions.close()
    [message] = [record.message for record in caplog.records]
    assert f"{blocker} cannot be written" in message


def test_concurrent_threads_lose_no_version(tmp_path: Path) -> None:
    versions, start = SharedVersions(tmp_path, "h"), Barrier(8)

    def run(offset: int) -> None:
        start.wait()
        for number in range(offset, 4_000, 8):
            versions.bump(number, ["egg"])

    threads = [Thread(target=run, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions.latest(("egg",)) == 3_999
    versions.close()
