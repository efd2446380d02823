"""Reads from a replica, with two real servers."""

import logging
import math
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON, FakeMonotonicClock
from eggypro_adapters.contracts.invalidation_feed import wait_for_snapshot
from eggypro_adapters.contracts.product_store import make_draft
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import Attachment, attach
from eggypro_adapters.embedded_postgres.guardian import CLUSTER_FOLDER, DATABASE_USER
from eggypro_adapters.monitoring.error_log import LogErrorTracker
from eggypro_adapters.postgres.connection import detect_pooler
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.invalidation.feed import PostgresInvalidationFeed, WriteVersions
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.replica import (
    FAILURE_PAUSE_SECONDS,
    LAG_PAUSE_SECONDS,
    Replica,
    ReplicatedDatabase,
)
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring.cache import open_cache
from eggypro_adapters.wiring.shop import connect_shop
from eggypro_core.caching.entries import Snapshot, product_tag
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.operations.error_tracking import OutageDetector
from tests.conftest import FAST_SETTINGS, _binaries
from tests.support.tcp_proxy import TcpProxy, run_proxy

IS_REPLICA = CompiledStatement.compile(sa.text("SELECT pg_is_in_recovery()"))
READERS = CompiledStatement.compile(
    sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'eggypro' AND pid <> pg_backend_pid()"
    )
)
PAUSE = CompiledStatement.compile(sa.text("SELECT CAST(pg_wal_replay_pause() AS text)"))
RESUME = CompiledStatement.compile(sa.text("SELECT CAST(pg_wal_replay_resume() AS text)"))
Pair = tuple[sa.URL, sa.URL]
Connect = Callable[..., Database]


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Pair]:
    """The URLs of a primary with all tables, and of its replica."""
    folder = tmp_path_factory.mktemp("pair")
    with replicated_servers(folder, _binaries(pytestconfig)) as (primary, replica, _):
        yield sa.make_url(primary.url), sa.make_url(replica.url)


@contextmanager
def replicated_servers(
    folder: Path, binaries: Path
) -> Iterator[tuple[Attachment, Attachment, TcpProxy]]:
    """Run a primary with all tables, its replica, and the proxy between them."""
    with ExitStack() as stack:
        primary = attach(folder / "primary", linger=0, binaries=binaries, settings=FAST_SETTINGS)
        stack.enter_context(primary)
        database = Database.connect(primary.url)
        PostgresMigrations(database).upgrade()
        database.close()
        # By TCP: the processes of the replica may not enter the folder of the primary's socket.
        proxy = stack.enter_context(run_proxy(f"{primary.socket_dir}/.s.PGSQL.5432"))
        _run_basebackup(binaries, proxy.port, folder / "replica")
        replica = stack.enter_context(attach(folder / "replica", linger=0, binaries=binaries))
        yield primary, replica, proxy


def _run_basebackup(binaries: Path, port: int, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    source = f"host=127.0.0.1 port={port} user={DATABASE_USER}"
    arguments = [
        "-D",
        str(folder / CLUSTER_FOLDER),
        "-R",
        "--checkpoint=fast",
        "--no-sync",
        "-d",
        source,
    ]
    subprocess.run([binaries / "pg_basebackup", *arguments], check=True)


@pytest.fixture
def write_versions(tmp_path: Path) -> Iterator[WriteVersions]:
    """Versions whose lease never expires, since a busy machine may be slow."""
    versions = WriteVersions(tmp_path, FakeMonotonicClock())
    yield versions
    versions.close()


@pytest.fixture
def primary(
    servers: Pair, connect_database: Connect, write_versions: WriteVersions
) -> Iterator[Database]:
    database = connect_database(servers[0], size=4, record_write=write_versions.record)
    yield database
    with database.long_transaction() as connection:
        connection.execute(sa.text("DELETE FROM products"))


@pytest.fixture
def other_host(servers: Pair, connect_database: Connect) -> Database:
    """The primary, for writes of another host."""
    return connect_database(servers[0], size=1)


@pytest.fixture
def replica_database(servers: Pair, connect_database: Connect) -> Iterator[Database]:
    """The replica itself."""
    database = connect_database(servers[1], size=1)
    yield database
    database.fetch(RESUME, {})


@pytest.fixture
def changes(primary: Database, write_versions: WriteVersions) -> Iterator[PostgresInvalidationFeed]:
    with PostgresInvalidationFeed(primary, write_versions).running() as changes:
        wait_for_snapshot(changes)
        yield changes


@pytest.fixture
def clock() -> FakeMonotonicClock:
    return FakeMonotonicClock()


@pytest.fixture
def replicated(
    servers: Pair, primary: Database, write_versions: WriteVersions, clock: FakeMonotonicClock
) -> Iterator[ReplicatedDatabase]:
    with open_replicated(servers[1], primary, write_versions, clock) as database:
        yield database


@contextmanager
def open_replicated(
    url: sa.URL, primary: Database, versions: WriteVersions, clock: FakeMonotonicClock
) -> Iterator[ReplicatedDatabase]:
    replica = Replica.connect(
        url,
        versions.required_version,
        size=4,
        pooler=detect_pooler,
        clock=clock,
        outage=OutageDetector("the replica", [LogErrorTracker()]),
    )
    yield ReplicatedDatabase.from_primary(primary, replica)
    replica.close()


def is_replica(database: Database) -> bool:
    return bool(database.fetch(IS_REPLICA, {})[0][0])


def wait_for_replica(database: Database, clock: FakeMonotonicClock) -> None:
    def is_back() -> bool:
        clock.now += FAILURE_PAUSE_SECONDS
        return is_replica(database)

    wait_until(is_back)


@pytest.mark.usefixtures("changes")
def test_reads_go_to_the_replica_and_return_what_the_primary_returns(
    primary: Database, replicated: ReplicatedDatabase, clock: FakeMonotonicClock
) -> None:
    direct, store = PostgresProductStore(primary), PostgresProductStore(replicated)
    store.create(make_draft(), NOON)
    wait_for_replica(replicated, clock)
    assert store.get("egg-white") == direct.get("egg-white")
    for query in (ProductQuery(), ProductQuery(search="egg"), ProductQuery(category="none")):
        assert store.list(query) == direct.list(query)
        assert store.get_facets(query, allow_sample=False) == direct.get_facets(
            query, allow_sample=False
        )
    assert is_replica(replicated)


@pytest.mark.usefixtures("changes")
def test_own_writes_are_visible_while_the_replica_lags(
    replica_database: Database, replicated: ReplicatedDatabase, clock: FakeMonotonicClock
) -> None:
    store = PostgresProductStore(replicated)
    wait_for_replica(replicated, clock)
    replica_database.fetch(PAUSE, {})
    for number in range(3):
        slug = store.create(make_draft(), NOON).slug
        assert store.get(slug).slug == slug
        clock.now += LAG_PAUSE_SECONDS * number
        assert not is_replica(replicated)
    replica_database.fetch(RESUME, {})
    wait_for_replica(replicated, clock)
    assert store.get("egg-white-3").slug == "egg-white-3"


@pytest.mark.usefixtures("changes")
def test_replica_must_replay_writes_without_tags_too(
    replica_database: Database, replicated: ReplicatedDatabase, clock: FakeMonotonicClock
) -> None:
    wait_for_replica(replicated, clock)
    replica_database.fetch(PAUSE, {})
    replicated.run_transaction(
        lambda connection: connection.execute(sa.text("SELECT txid_current()"))
    )
    assert not is_replica(replicated)


def test_read_after_snapshot_sees_all_writes_of_the_snapshot(
    replica_database: Database,
    other_host: Database,
    replicated: ReplicatedDatabase,
    changes: PostgresInvalidationFeed,
    clock: FakeMonotonicClock,
) -> None:
    store, tags = PostgresProductStore(replicated), (product_tag("egg-white"),)
    PostgresProductStore(other_host).create(make_draft(), NOON)
    wait_for_replica(replicated, clock)
    for pause in (PAUSE, RESUME) * 20:
        replica_database.fetch(pause, {})
        first, before = wait_for_snapshot(changes), store.get("egg-white").stock_quantity
        PostgresProductStore(other_host).adjust_stock("egg-white", 1)
        clock.now += LAG_PAUSE_SECONDS
        second = wait_for_snapshot(changes)
        after = store.get("egg-white").stock_quantity
        wait_until(lambda: changes.is_stale(first, tags))  # noqa: B023
        assert after == before + 1 or changes.is_stale(second, tags)


def test_required_version_includes_writes_that_are_not_notified_yet(
    write_versions: WriteVersions,
) -> None:
    assert write_versions.required_version() is None
    write_versions.advance(Snapshot("one", 51), until=math.inf)
    assert write_versions.required_version() == 51
    write_versions.record("one", 60, "product:egg-white")
    assert write_versions.required_version() == 61
    write_versions.advance(Snapshot("one", 62), until=0)
    assert write_versions.required_version() is None


def test_required_version_is_unknown_after_write_to_another_server(
    write_versions: WriteVersions,
) -> None:
    write_versions.advance(Snapshot("one", 51), until=math.inf)
    write_versions.record("two", 40, "")
    assert write_versions.required_version() is None


def test_reads_go_to_the_primary_without_a_feed(replicated: ReplicatedDatabase) -> None:
    assert not is_replica(replicated)


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize("is_frozen", [False, True])
def test_unavailable_replica_fails_no_read_and_is_retried_after_a_second(
    *,
    servers: Pair,
    primary: Database,
    write_versions: WriteVersions,
    clock: FakeMonotonicClock,
    caplog: pytest.LogCaptureFixture,
    is_frozen: bool,
) -> None:
    caplog.set_level(logging.INFO)
    with run_proxy(f"{servers[1].query['host']}/.s.PGSQL.5432") as proxy:
        url = sa.make_url(
            f"postgresql+psycopg://{DATABASE_USER}@127.0.0.1:{proxy.port}/{DATABASE_USER}"
        )
        with open_replicated(url, primary, write_versions, clock) as replicated:
            wait_for_replica(replicated, clock)
            (proxy.freeze if is_frozen else proxy.disconnect)()
            assert not is_replica(replicated)
            (proxy.unfreeze if is_frozen else proxy.reconnect)()
            assert not is_replica(replicated)
            clock.now += FAILURE_PAUSE_SECONDS
            wait_for_replica(replicated, clock)
    assert caplog.text.count("Outage of the replica started. ") == 1
    assert caplog.text.count("Outage of the replica ended") == 1


def test_shop_reads_from_the_replica_of_its_settings(
    servers: Pair, primary: Database, replica_database: Database, tmp_path: Path
) -> None:
    url, read_url = (server.render_as_string(hide_password=False) for server in servers)
    environment = {"POSTGRES_URL": url, "POSTGRES_READ_URL": read_url}
    settings = Settings.read({**environment, "EGGYPRO_DATA_DIR": str(tmp_path / "data")})
    PostgresProductStore(primary).create(make_draft(), NOON)
    with connect_shop(settings, ()) as connected:
        products = connected.shop.products
        assert products.get("egg-white").id
        assert replica_database.fetch(READERS, {}) == [(0,)]

        def reads_from_replica() -> bool:
            assert products.get("egg-white").id
            return replica_database.fetch(READERS, {}) != [(0,)]

        with open_cache(settings, connected.database, connected.write_versions):
            wait_until(reads_from_replica)
