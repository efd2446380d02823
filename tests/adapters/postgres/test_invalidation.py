import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from threading import Barrier, Event, Thread

import psycopg
import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.contracts.invalidation_feed import (
    EGG,
    MILK,
    ChangesContract,
    Touch,
    moment,
    moment_after_all,
)
from eggypro_adapters.contracts.product_store import NOON, a_draft
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation.feed import PostgresChanges, Written
from eggypro_adapters.postgres.invalidation.shared_versions import Slots
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.caching.entries import EVERYTHING, LISTS, TREE, Moment, product_tag
from eggypro_core.errors import UnavailableError
from tests.support.builders import a_product, a_shop
from tests.support.tcp_proxy import wire_to

DYING = """
import os, signal, sys
import sqlalchemy as sa
from pathlib import Path
from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres.invalidation.feed import Written
from eggypro_adapters.postgres.database import Database

database = Database.connect(sys.argv[1], noted=Written(Path(sys.argv[2])).note)
with database.begin() as connection:
    connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
    def die(*_):
        connection.connection.driver_connection.commit()
        os.kill(os.getpid(), signal.SIGKILL)
    sa.event.listen(connection, "commit", die)
"""
"""A writer that is killed as soon as its transaction is over."""


ONE_OF_EACH = [
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

OTHERS = sa.text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
"""Ends all connections but one."""


@pytest.fixture
def database_url(emptied_database: Database) -> sa.URL:
    return emptied_database.engine.url


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Where what is heard holds for good: a busy machine is not a connection that is silent."""
    written = Written(tmp_path, FakeSeconds())
    yield written
    written.close()


@pytest.fixture
def writing(database_url: sa.URL, connect: Callable[..., Database], written: Written) -> Database:
    return connect(database_url, size=4, noted=written.note)


@pytest.fixture
def changes(database: Database, written: Written) -> Iterator[PostgresChanges]:
    with PostgresChanges(database, written).running() as changes:
        yield changes


def touching(database: Database) -> Touch:
    def touch(tag: str) -> None:
        statement = sa.text("SELECT eggypro_touch(:tag)")
        database.write(lambda connection: connection.execute(statement, {"tag": tag}))

    return touch


class TestPostgresChanges(ChangesContract):
    @pytest.fixture
    def changes(self, changes: PostgresChanges) -> PostgresChanges:
        return changes

    @pytest.fixture
    def touch(self, writing: Database) -> Touch:
        return touching(writing)


def test_a_write_elsewhere_is_heard_of(changes: PostgresChanges, database_url: sa.URL) -> None:
    before = moment(changes)
    conninfo = database_url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo) as connection:
        connection.execute("UPDATE products SET name = 'x'")  # touches nothing: there are none
        connection.execute("INSERT INTO categories (name, slug) VALUES ('Eggs', 'eggs')")
    wait_until(lambda: changes.outdated(before, (TREE,)))
    assert not changes.outdated(moment_after_all(changes, EGG), EGG)


def test_what_is_read_while_a_write_is_under_way_does_not_outlive_it(
    changes: PostgresChanges, writing: Database
) -> None:
    moment(changes)
    touch = sa.text("SELECT eggypro_touch('product:egg')")
    with writing.begin() as connection:
        connection.execute(touch)
        during = moment(changes)
    assert changes.outdated(during, EGG)


def test_a_write_that_is_given_up_ends_nothing(changes: PostgresChanges, writing: Database) -> None:
    seen = moment_after_all(changes, EGG)

    def give_up(connection: sa.Connection) -> None:
        connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        writing.write(give_up)
    assert not changes.outdated(seen, EGG)


def test_a_writer_that_is_killed_after_its_commit_leaves_nothing_outdated(
    changes: PostgresChanges, database_url: sa.URL, tmp_path: Path
) -> None:
    before = moment(changes)
    url = database_url.render_as_string(hide_password=False)
    died = subprocess.run([sys.executable, "-c", DYING, url, str(tmp_path)], check=False)
    assert died.returncode == -signal.SIGKILL
    assert changes.outdated(before, EGG)


def test_what_was_written_while_the_connection_was_broken_is_known_afterwards(
    changes: PostgresChanges, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    seen = moment_after_all(changes, MILK)
    with database.begin() as connection:
        assert connection.execute(OTHERS).all()
        connection.execute(sa.text("SELECT eggypro_touch('product:milk')"))
    wait_until(lambda: changes.outdated(seen, MILK))
    assert not changes.outdated(moment_after_all(changes, MILK), MILK)
    assert "while the database is not heard" in caplog.text


def test_what_was_kept_is_not_over_before_the_database_is_surely_back(
    changes: PostgresChanges, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, tried = moment_after_all(changes, MILK), Event()

    def go_away_again(*_: object) -> None:
        tried.set()
        raise UnavailableError("Away again")

    monkeypatch.setattr(changes, "_hear", go_away_again)
    with database.begin() as connection:
        connection.execute(sa.text("SELECT eggypro_touch('product:egg')"))
        connection.execute(OTHERS)
    tried.wait()
    assert not changes.outdated(seen, MILK)


def test_what_a_silent_connection_told_holds_for_two_and_a_half_seconds(
    database_url: sa.URL, connect: Callable[..., Database], tmp_path: Path
) -> None:
    clock = FakeSeconds()
    written = Written(tmp_path, clock)
    with wire_to(f"{database_url.query['host']}/.s.PGSQL.5432") as wire:
        silent = connect(database_url.set(host="127.0.0.1", port=wire.port, query={}), size=1)
        with PostgresChanges(silent, written).running() as changes:
            moment(changes)
            assert written.needed() is not None
            wire.go_dead()
            clock.now += 2.5
            assert changes.seen() is None
            assert written.needed() is None, "a replica would be asked"
            wire.come_alive()
    written.close()


def test_behind_a_pooler_nothing_is_kept(
    database: Database, written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    listening = PostgresChanges(database, written, lambda _: True)
    with caplog.at_level(logging.WARNING), listening.running() as changes:
        wait_until(lambda: "POSTGRES_URL_NON_POOLING" in caplog.text)
        assert changes.seen() is None
        assert changes.outdated(Moment("any", 1), EGG)


def test_a_database_that_is_away_is_waited_for(
    connect: Callable[..., Database], written: Written, tmp_path: Path
) -> None:
    nowhere = connect(f"postgresql+psycopg:///egg?host={tmp_path}", size=1)
    with PostgresChanges(nowhere, written).running() as changes:
        assert changes.seen() is None
    with pytest.raises(UnavailableError):
        nowhere.revision()


def test_many_products_changed_at_once_are_told_of_as_everything(
    changes: PostgresChanges, writing: Database
) -> None:
    store = PostgresProductStore(writing)
    shop = a_shop(store)
    for number in range(60):
        shop.products.add(a_product(name=f"Egg {number}", slug=f"egg-{number}"))
    seen = moment_after_all(changes, (LISTS,))
    with writing.begin() as connection:
        connection.execute(sa.text("UPDATE products SET price = price + 1"))
    assert changes.outdated(seen, (product_tag("egg-7"),))
    assert changes.outdated(seen, (product_tag("elsewhere"),))


MILK_ADDED = (
    "WITH milk AS (INSERT INTO products (name, slug, description, details, price, name_key)"
    " VALUES ('Milk', 'milk', '', '', 1, 'milk') RETURNING id)"
)
PARTS = ("variants", "reviews", "product_categories")
BY_HAND = {
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
        *(f"{MILK_ADDED} UPDATE {table} SET product_id = milk.id FROM milk" for table in PARTS),
    ],
    "product:milk": [
        "UPDATE products SET slug = 'milk'",
        (
            "INSERT INTO products (name, slug, description, details, price, name_key)"
            " VALUES ('Milk', 'milk', '', '', 1, 'milk')"
        ),
    ],
    LISTS: [
        "UPDATE products SET stock_quantity = 3",
        "UPDATE variants SET stock_quantity = 3",
        "DELETE FROM product_categories",
        "DELETE FROM products",
    ],
    TREE: [
        "UPDATE categories SET name = 'Egg'",
        "DELETE FROM categories",
        "INSERT INTO categories (name, slug) VALUES ('Milk', 'milk')",
    ],
}


@pytest.mark.parametrize(
    ("tag", "statement"),
    [(tag, statement) for tag, statements in BY_HAND.items() for statement in statements],
)
def test_what_is_written_by_hand_is_noted_as_well(
    changes: PostgresChanges, writing: Database, tag: str, statement: str
) -> None:
    with writing.begin() as connection:
        for each in ONE_OF_EACH:
            connection.execute(sa.text(each))
    seen = moment_after_all(changes, (tag,))
    with writing.begin() as connection:
        connection.execute(sa.text(statement))
    assert changes.outdated(seen, (tag,))


def test_an_import_of_many_long_slugs_is_noted_as_everything(
    changes: PostgresChanges, writing: Database
) -> None:
    seen = moment_after_all(changes, MILK)
    slugs = [f"{number}-".ljust(255, "x") for number in range(40)]
    with PostgresProductStore(writing).load() as load:
        load.put([a_draft(slug=slug) for slug in slugs], [], NOON)
        load.commit()
    for tag in (product_tag(slugs[0]), product_tag(slugs[-1]), *MILK):
        assert changes.outdated(seen, (tag,))


def test_a_review_that_waits_touches_nothing(changes: PostgresChanges, writing: Database) -> None:
    with writing.begin() as connection:
        for each in ONE_OF_EACH:
            connection.execute(sa.text(each))
    seen = moment_after_all(changes, (LISTS, *EGG))
    pending = ONE_OF_EACH[2].replace("true", "false")
    with writing.begin() as connection:
        connection.execute(sa.text(pending))
    assert not changes.outdated(seen, (LISTS, *EGG))


def test_numbers_are_shared_by_processes_and_only_grow(tmp_path: Path) -> None:
    mine = Slots(tmp_path, "h")
    with get_context("spawn").Pool(4) as processes:
        processes.starmap(_raise, [(tmp_path, number) for number in range(1, 200)])
    assert mine.last(("egg",)) == 199
    assert mine.last(("milk",)) == 0
    mine.raise_to(300, [EVERYTHING])
    assert mine.last(("milk",)) == 300
    mine.close()


def _raise(folder: Path, number: int) -> None:
    slots = Slots(folder, "h")
    slots.raise_to(number, ["egg"])
    slots.close()


def test_numbers_of_a_history_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    used, unused = Slots(tmp_path, "used"), Slots(tmp_path, "unused")
    unused.close()
    Slots(tmp_path, "new").close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changes-new", "changes-used"]
    used.close()


def test_where_there_can_be_no_file_a_process_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    slots = Slots(tmp_path / "file", "h")
    slots.raise_to(3, ["egg"])
    assert (slots.is_shared, slots.last(("egg",))) == (False, 3)
    slots.close()


def test_threads_that_raise_a_number_at_once_lose_none(tmp_path: Path) -> None:
    slots, together = Slots(tmp_path, "h"), Barrier(8)

    def run(offset: int) -> None:
        together.wait()
        for number in range(offset, 4_000, 8):
            slots.raise_to(number, ["egg"])

    threads = [Thread(target=run, args=(offset,)) for offset in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert slots.last(("egg",)) == 3_999
    slots.close()
