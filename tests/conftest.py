"""What tests of every kind share: a real Postgres, and a database of their own in it."""

import fcntl
import logging
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from eggypro_adapters.embedded_postgres import attach, find_binaries
from eggypro_adapters.logs.setup import LOGGER_NAMES
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.postgres.schema import metadata
from tests.support.pgbouncer import run_pgbouncer

# Machines are slow at times: no example fails by the clock, and few are tried unless a test wants
# more. Exploring is for people's machines, so that what lands is decided by the change alone.
settings.register_profile(
    "eggypro",
    deadline=None,
    max_examples=30,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("eggypro")

TEMPLATE_DATABASE = "eggypro_template"
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


EMPTY = "; ".join(
    [
        "SET LOCAL session_replication_role = replica",  # nothing is to follow from it
        *(f"DELETE FROM {table.name}" for table in metadata.sorted_tables),
        *(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 1, false)"
            for table in metadata.sorted_tables
            if "id" in table.columns
        ),
    ]
)


def pytest_xdist_auto_num_workers() -> int:
    """Half of the tests wait: for a server to start, or for a time to pass."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        metavar="MAJOR",
        type=int,
        help="the major version of Postgres to test on (default: the one that `make run` starts)",
    )
    parser.addoption(
        "--pgbouncer",
        action="store_true",
        help="put a PgBouncer in transaction mode before each database",
    )
    parser.addoption(
        "--upgraded-by",
        metavar="EGGYPRO",
        help="the command of a later version, which makes the tables to test on",
    )
    parser.addoption(
        "--vercel",
        metavar="PYTHON",
        help="a Python with vercel-runtime and the project, to try the entry for Vercel in it",
    )


def pytest_report_header(config: pytest.Config) -> str:
    told = subprocess.run(
        [_binaries(config) / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return told.stdout.strip()


@pytest.fixture
def restore_logging() -> Iterator[None]:
    """Whatever is set up for the log, it is as before after the test."""
    loggers = [logging.getLogger(), *map(logging.getLogger, LOGGER_NAMES)]
    levels, handlers = [one.level for one in loggers], [*loggers[0].handlers]
    yield
    logging.captureWarnings(capture=False)
    loggers[0].handlers[:] = handlers
    for one, level in zip(loggers, levels, strict=True):
        one.setLevel(level)


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[sa.URL]:
    """A server for this session, shared by its workers, which knows the template database."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    binaries = _binaries(pytestconfig)
    with attach(shared / "pg", linger=5, binaries=binaries, settings=FAST_SETTINGS) as server:
        url = sa.make_url(server.url)
        with (shared / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_template(url, shared / "template.made", pytestconfig.getoption("upgraded_by"))
        yield url


@pytest.fixture(scope="session")
def database_entry(
    postgres: sa.URL, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[sa.URL]:
    """Where tests enter the server: itself, or a pooler before it."""
    if not pytestconfig.getoption("pgbouncer"):
        yield postgres
        return
    with run_pgbouncer(postgres, tmp_path_factory.mktemp("pgbouncer")) as url:
        yield url


@pytest.fixture
def database_url(postgres: sa.URL, database_entry: sa.URL) -> Iterator[sa.URL]:
    """A database of this test's own, with all tables and nothing in them."""
    with new_database(postgres) as url:
        yield database_entry.set(database=url.database)


@pytest.fixture(scope="session")
def shared_database(postgres: sa.URL, database_entry: sa.URL) -> Iterator[Database]:
    with new_database(postgres) as url:
        database = Database.connect(database_entry.set(database=url.database), size=8)
        yield database
        database.close()


@pytest.fixture
def emptied_database(shared_database: Database) -> Database:
    """A database with all tables and nothing in them, for tests that leave the tables as they are.

    It takes a tenth of the time of a database of one's own.
    """
    with shared_database.long_transaction() as connection:
        connection.execute(sa.text(EMPTY))
    return shared_database


@pytest.fixture
def empty_database_url(postgres: sa.URL) -> Iterator[sa.URL]:
    """A database of this test's own, without tables."""
    with new_database(postgres, "template0") as url:
        yield url


@pytest.fixture
def connect_database() -> Iterator[Callable[..., Database]]:
    """`Database.connect`, whose connections are closed at the end of the test."""
    with ExitStack() as opened:

        def connected(url: sa.URL, **options: Any) -> Database:
            database = Database.connect(url, **options)
            opened.callback(database.close)
            return database

        yield connected


@pytest.fixture
def database(database_url: sa.URL, connect_database: Callable[..., Database]) -> Database:
    return connect_database(database_url, size=8)


@contextmanager
def new_database(postgres: sa.URL, template: str = TEMPLATE_DATABASE) -> Iterator[sa.URL]:
    """A database of the server for as long as the block lasts, past the pooler."""
    name = f"test_{uuid4().hex}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield postgres.set(database=name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _binaries(config: pytest.Config) -> Path:
    return find_binaries(config.getoption("postgres"))


def _make_template(url: sa.URL, made: Path, eggypro: str | None) -> None:
    if made.exists():
        return
    _execute(url, f"CREATE DATABASE {TEMPLATE_DATABASE}")
    template = url.set(database=TEMPLATE_DATABASE)
    if eggypro is None:
        database = Database.connect(template)
        PostgresMigrations(database).upgrade()
        database.close()
    else:
        named = {"POSTGRES_URL": template.render_as_string(hide_password=False)}
        subprocess.run([eggypro, "db", "upgrade"], env={**os.environ, **named}, check=True)
    made.touch()


def _execute(url: sa.URL, statement: str) -> None:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement)
