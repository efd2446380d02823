"""Two real servers, of which one replicates the other."""

import math
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeMonotonicClock
from eggypro_adapters.contracts.invalidation_feed import wait_for_snapshot
from eggypro_adapters.contracts.product_store import NOON, make_draft
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import Attachment, attach
from eggypro_adapters.embedded_postgres.guardian import CLUSTER_FOLDER, USER
from eggypro_adapters.postgres.database import CompiledStatement, Database, detect_pooler
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
    """A primary with all tables, and its replica."""
    with replicated_servers(tmp_path_factory.mktemp("pair"), _binaries(pytestconfig)) as (
        one,
        two,
        _,
    ):
        yield sa.make_url(one.url), sa.make_url(two.url)


@contextmanager
def replicated_servers(
    folder: Path, binaries: Path
) -> Iterator[tuple[Attachment, Attachment, TcpProxy]]:
    """A primary with all tables, its replica, and the wire by which that hears of it."""
    with ExitStack() as opened:
        one = attach(folder / "one", linger=0, binaries=binaries, settings=FAST_SETTINGS)
        opened.enter_context(one)
        database = Database.connect(one.url)
        PostgresMigrations(database).upgrade()
        database.close()
        # By TCP: the replica's processes may not enter the folder of the primary's socket.
        wire = opened.enter_context(run_proxy(f"{one.socket_dir}/.s.PGSQL.5432"))
        _run_basebackup(binaries, wire.port, folder / "two")
        two = opened.enter_context(attach(folder / "two", linger=0, binaries=binaries))
        yield one, two, wire


def _run_basebackup(binaries: Path, port: int, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    source = f"host=127.0.0.1 port={port} user={USER}"
    words = [
        "-D",
        str(folder / CLUSTER_FOLDER),
        "-R",
        "--checkpoint=fast",
        "--no-sync",
        "-d",
        source,
    ]
    subprocess.run([binaries / "pg_basebackup", *words], check=True)


@pytest.fixture
def write_versions(tmp_path: Path) -> Iterator[WriteVersions]:
    """Where what is heard holds for good: a busy machine is not a connection that is silent."""
    written = WriteVersions(tmp_path, FakeMonotonicClock())
    yield written
    written.close()


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
    """The primary, as another host writes to it."""
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
    with replicated_over(servers[1], primary, write_versions, clock) as database:
        yield database


@contextmanager
def replicated_over(
    url: sa.URL, primary: Database, written: WriteVersions, clock: FakeMonotonicClock
) -> Iterator[ReplicatedDatabase]:
    replica = Replica.connect(
        url, written.required_version, size=4, pooler=detect_pooler, clock=clock
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
def test_reads_are_the_replica_s_and_answer_as_the_primary_does(
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
def test_own_writes_are_seen_while_the_replica_lags(
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
def test_a_write_that_touches_no_answer_is_waited_for_too(
    replica_database: Database, replicated: ReplicatedDatabase, clock: FakeMonotonicClock
) -> None:
    wait_for_replica(replicated, clock)
    replica_database.fetch(PAUSE, {})
    replicated.run_transaction(
        lambda connection: connection.execute(sa.text("SELECT txid_current()"))
    )
    assert not is_replica(replicated)


def test_what_is_read_after_a_moment_has_seen_all_that_the_moment_claims(
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
        seen = wait_for_snapshot(changes)
        found = store.get("egg-white").stock_quantity
        wait_until(lambda: changes.is_stale(first, tags))  # noqa: B023
        assert found == before + 1 or changes.is_stale(seen, tags)


def test_a_moment_needs_all_that_is_over_by_then_also_what_is_not_yet_told(
    write_versions: WriteVersions,
) -> None:
    assert write_versions.required_version() is None
    write_versions.advance(Snapshot("one", 51), until=math.inf)
    assert write_versions.required_version() == 51
    write_versions.record("one", 60, "product:egg-white")
    assert write_versions.required_version() == 61
    write_versions.advance(Snapshot("one", 62), until=0)
    assert write_versions.required_version() is None


def test_what_another_server_wrote_is_looked_for_on_no_replica_of_the_former(
    write_versions: WriteVersions,
) -> None:
    write_versions.advance(Snapshot("one", 51), until=math.inf)
    write_versions.record("two", 40, "")
    assert write_versions.required_version() is None


def test_while_nobody_hears_of_writes_the_primary_is_asked(replicated: ReplicatedDatabase) -> None:
    assert not is_replica(replicated)


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize("is_silent", [False, True])
def test_a_replica_that_is_away_fails_no_read_and_is_tried_again_after_a_second(
    *,
    servers: Pair,
    primary: Database,
    write_versions: WriteVersions,
    clock: FakeMonotonicClock,
    is_silent: bool,
) -> None:
    with run_proxy(f"{servers[1].query['host']}/.s.PGSQL.5432") as wire:
        url = sa.make_url(f"postgresql+psycopg://{USER}@127.0.0.1:{wire.port}/{USER}")
        with replicated_over(url, primary, write_versions, clock) as replicated:
            wait_for_replica(replicated, clock)
            (wire.freeze if is_silent else wire.disconnect)()
            assert not is_replica(replicated)
            (wire.unfreeze if is_silent else wire.reconnect)()
            assert not is_replica(replicated)
            clock.now += FAILURE_PAUSE_SECONDS
            wait_for_replica(replicated, clock)


def test_a_shop_that_listens_reads_from_the_replica_that_its_settings_name(
    servers: Pair, primary: Database, replica_database: Database, tmp_path: Path
) -> None:
    url, read_url = (each.render_as_string(hide_password=False) for each in servers)
    environment = {"POSTGRES_URL": url, "POSTGRES_READ_URL": read_url}
    settings = Settings.read({**environment, "EGGYPRO_DATA_DIR": str(tmp_path / "data")})
    PostgresProductStore(primary).create(make_draft(), NOON)
    with connect_shop(settings, ()) as connected:
        products = connected.shop.products
        assert products.get("egg-white").id
        assert replica_database.fetch(READERS, {}) == [(0,)]

        def reads_the_copy() -> bool:
            assert products.get("egg-white").id
            return replica_database.fetch(READERS, {}) != [(0,)]

        with open_cache(settings, connected.database, connected.written):
            wait_until(reads_the_copy)
