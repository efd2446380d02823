"""Two real servers, of which one replicates the other."""

import math
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import FakeSeconds
from eggypro_adapters.contracts.invalidation_feed import moment
from eggypro_adapters.contracts.product_store import NOON, a_draft
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.embedded_postgres import Attachment, attach
from eggypro_adapters.embedded_postgres.guardian import CLUSTER, USER
from eggypro_adapters.postgres.database import Database, Statement, found_out
from eggypro_adapters.postgres.invalidation.feed import PostgresChanges, Written
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.replica import AWAY, BEHIND, Replica, ReplicatedDatabase
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring.cache import open_cache
from eggypro_adapters.wiring.shop import connect_shop
from eggypro_core.caching.entries import Moment, product_tag
from eggypro_core.domain.product_query import ProductQuery
from tests.conftest import FAST, _binaries
from tests.support.tcp_proxy import Wire, wire_to

IS_REPLICA = Statement.of(sa.text("SELECT pg_is_in_recovery()"))
READERS = Statement.of(
    sa.text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE application_name = 'eggypro' AND pid <> pg_backend_pid()"
    )
)
PAUSE = Statement.of(sa.text("SELECT CAST(pg_wal_replay_pause() AS text)"))
RESUME = Statement.of(sa.text("SELECT CAST(pg_wal_replay_resume() AS text)"))
Pair = tuple[sa.URL, sa.URL]
Connect = Callable[..., Database]


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Pair]:
    """A primary with all tables, and its replica."""
    with replicating(tmp_path_factory.mktemp("pair"), _binaries(pytestconfig)) as (one, two, _):
        yield sa.make_url(one.url), sa.make_url(two.url)


@contextmanager
def replicating(folder: Path, binaries: Path) -> Iterator[tuple[Attachment, Attachment, Wire]]:
    """A primary with all tables, its replica, and the wire by which that hears of it."""
    with ExitStack() as opened:
        one = attach(folder / "one", linger=0, binaries=binaries, settings=FAST)
        opened.enter_context(one)
        database = Database.connect(one.url)
        PostgresMigrations(database).upgrade()
        database.close()
        # By TCP: the replica's processes may not enter the folder of the primary's socket.
        wire = opened.enter_context(wire_to(f"{one.socket_dir}/.s.PGSQL.5432"))
        _copy(binaries, wire.port, folder / "two")
        two = opened.enter_context(attach(folder / "two", linger=0, binaries=binaries))
        yield one, two, wire


def _copy(binaries: Path, port: int, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    source = f"host=127.0.0.1 port={port} user={USER}"
    words = ["-D", str(folder / CLUSTER), "-R", "--checkpoint=fast", "--no-sync", "-d", source]
    subprocess.run([binaries / "pg_basebackup", *words], check=True)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Written]:
    """Where what is heard holds for good: a busy machine is not a connection that is silent."""
    written = Written(tmp_path, FakeSeconds())
    yield written
    written.close()


@pytest.fixture
def primary(servers: Pair, connect: Connect, written: Written) -> Iterator[Database]:
    database = connect(servers[0], size=4, noted=written.note)
    yield database
    with database.begin() as connection:
        connection.execute(sa.text("DELETE FROM products"))


@pytest.fixture
def elsewhere(servers: Pair, connect: Connect) -> Database:
    """The primary, as another host writes to it."""
    return connect(servers[0], size=1)


@pytest.fixture
def copy(servers: Pair, connect: Connect) -> Iterator[Database]:
    """The replica itself."""
    database = connect(servers[1], size=1)
    yield database
    database.read(RESUME, {})


@pytest.fixture
def changes(primary: Database, written: Written) -> Iterator[PostgresChanges]:
    with PostgresChanges(primary, written).running() as changes:
        moment(changes)
        yield changes


@pytest.fixture
def clock() -> FakeSeconds:
    return FakeSeconds()


@pytest.fixture
def replicated(
    servers: Pair, primary: Database, written: Written, clock: FakeSeconds
) -> Iterator[ReplicatedDatabase]:
    with over(servers[1], primary, written, clock) as database:
        yield database


@contextmanager
def over(
    url: sa.URL, primary: Database, written: Written, clock: FakeSeconds
) -> Iterator[ReplicatedDatabase]:
    replica = Replica.connect(url, written.needed, size=4, pooler=found_out, clock=clock)
    yield ReplicatedDatabase.of(primary, replica)
    replica.close()


def is_replica(database: Database) -> bool:
    return bool(database.read(IS_REPLICA, {})[0][0])


def wait_for_replica(database: Database, clock: FakeSeconds) -> None:

    def is_back() -> bool:
        clock.now += AWAY
        return is_replica(database)

    wait_until(is_back)


@pytest.mark.usefixtures("changes")
def test_reads_are_the_replica_s_and_answer_as_the_primary_does(
    primary: Database, replicated: ReplicatedDatabase, clock: FakeSeconds
) -> None:
    direct, store = PostgresProductStore(primary), PostgresProductStore(replicated)
    store.add(a_draft(), NOON)
    wait_for_replica(replicated, clock)
    assert store.find("egg-white") == direct.find("egg-white")
    for query in (ProductQuery(), ProductQuery(search="egg"), ProductQuery(category="none")):
        assert store.page(query) == direct.page(query)
        assert store.facets(query, many=False) == direct.facets(query, many=False)
    assert is_replica(replicated)


@pytest.mark.usefixtures("changes")
def test_own_writes_are_seen_while_the_replica_lags(
    copy: Database, replicated: ReplicatedDatabase, clock: FakeSeconds
) -> None:
    store = PostgresProductStore(replicated)
    wait_for_replica(replicated, clock)
    copy.read(PAUSE, {})
    for number in range(3):
        slug = store.add(a_draft(), NOON).slug
        assert store.find(slug).slug == slug
        clock.now += BEHIND * number
        assert not is_replica(replicated)
    copy.read(RESUME, {})
    wait_for_replica(replicated, clock)
    assert store.find("egg-white-3").slug == "egg-white-3"


@pytest.mark.usefixtures("changes")
def test_a_write_that_touches_no_answer_is_waited_for_too(
    copy: Database, replicated: ReplicatedDatabase, clock: FakeSeconds
) -> None:
    wait_for_replica(replicated, clock)
    copy.read(PAUSE, {})
    replicated.write(lambda connection: connection.execute(sa.text("SELECT txid_current()")))
    assert not is_replica(replicated)


def test_what_is_read_after_a_moment_has_seen_all_that_the_moment_claims(
    copy: Database,
    elsewhere: Database,
    replicated: ReplicatedDatabase,
    changes: PostgresChanges,
    clock: FakeSeconds,
) -> None:
    store, tags = PostgresProductStore(replicated), (product_tag("egg-white"),)
    PostgresProductStore(elsewhere).add(a_draft(), NOON)
    wait_for_replica(replicated, clock)
    for pause in (PAUSE, RESUME) * 20:
        copy.read(pause, {})
        first, before = moment(changes), store.find("egg-white").stock_quantity
        PostgresProductStore(elsewhere).adjust_stock("egg-white", 1)
        clock.now += BEHIND
        seen = moment(changes)
        found = store.find("egg-white").stock_quantity
        wait_until(lambda: changes.outdated(first, tags))  # noqa: B023
        assert found == before + 1 or changes.outdated(seen, tags)


def test_a_moment_needs_all_that_is_over_by_then_also_what_is_not_yet_told(
    written: Written,
) -> None:
    assert written.needed() is None
    written.hear(Moment("one", 51), until=math.inf)
    assert written.needed() == 51
    written.note("one", 60, "product:egg-white")
    assert written.needed() == 61
    written.hear(Moment("one", 62), until=0)
    assert written.needed() is None


def test_what_another_server_wrote_is_looked_for_on_no_replica_of_the_former(
    written: Written,
) -> None:
    written.hear(Moment("one", 51), until=math.inf)
    written.note("two", 40, "")
    assert written.needed() is None


def test_while_nobody_hears_of_writes_the_primary_is_asked(replicated: ReplicatedDatabase) -> None:
    assert not is_replica(replicated)


@pytest.mark.usefixtures("changes")
@pytest.mark.parametrize("is_silent", [False, True])
def test_a_replica_that_is_away_fails_no_read_and_is_tried_again_after_a_second(
    *, servers: Pair, primary: Database, written: Written, clock: FakeSeconds, is_silent: bool
) -> None:
    with wire_to(f"{servers[1].query['host']}/.s.PGSQL.5432") as wire:
        url = sa.make_url(f"postgresql+psycopg://{USER}@127.0.0.1:{wire.port}/{USER}")
        with over(url, primary, written, clock) as replicated:
            wait_for_replica(replicated, clock)
            (wire.go_dead if is_silent else wire.cut)()
            assert not is_replica(replicated)
            (wire.come_alive if is_silent else wire.mend)()
            assert not is_replica(replicated)
            clock.now += AWAY
            wait_for_replica(replicated, clock)


def test_a_shop_that_listens_reads_from_the_replica_that_its_settings_name(
    servers: Pair, primary: Database, copy: Database, tmp_path: Path
) -> None:
    url, read_url = (each.render_as_string(hide_password=False) for each in servers)
    environment = {"POSTGRES_URL": url, "POSTGRES_READ_URL": read_url}
    settings = Settings.read({**environment, "EGGYPRO_DATA_DIR": str(tmp_path / "data")})
    PostgresProductStore(primary).add(a_draft(), NOON)
    with connect_shop(settings, ()) as connected:
        products = connected.shop.products
        assert products.find("egg-white").id
        assert copy.read(READERS, {}) == [(0,)]

        def reads_the_copy() -> bool:
            assert products.find("egg-white").id
            return copy.read(READERS, {}) != [(0,)]

        with open_cache(settings, connected.database, connected.written):
            wait_until(reads_the_copy)
