"""Fixtures and options of all tests: a real Postgres server, and a database for each test."""

import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from eggypro_adapters.contracts.waiting import TIMEOUT_SECONDS
from eggypro_adapters.embedded_postgres import attach, find_binaries
from eggypro_adapters.logs.setup import LOGGER_NAMES
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.schema import metadata
from tests.support.pgbouncer import run_pgbouncer

# Machines are slow at times: no example has a deadline, and few are tried unless a test sets more.
# The examples are always the same, so that a result depends on the change alone.
settings.register_profile(
    "eggypro",
    deadline=None,
    max_examples=30,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# `make fuzz` searches for other examples, and replays those that failed before.
settings.register_profile(
    "fuzz",
    settings.get_profile("eggypro"),
    max_examples=500,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(".hypothesis/examples"),  # `eggypro` has none
)
settings.load_profile("eggypro")

TEMPLATE_DATABASE = "eggypro_template"
FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


DELETE_ALL_SQL = "; ".join(
    [
        "SET LOCAL session_replication_role = replica",  # no triggers
        *(f"DELETE FROM {table.name}" for table in metadata.sorted_tables),
        *(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 1, false)"
            for table in metadata.sorted_tables
            if "id" in table.columns
        ),
    ]
)


def pytest_xdist_auto_num_workers() -> int:
    """Use one worker more than CPUs: many tests wait for servers."""
    return (os.cpu_count() or 1) + 1


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres",
        metavar="MAJOR",
        type=int,
        help="major version of Postgres to test with (default: the embedded one)",
    )
    parser.addoption(
        "--pgbouncer",
        action="store_true",
        help="connect through a PgBouncer in transaction mode",
    )
    parser.addoption(
        "--upgraded-by",
        metavar="EGGYPRO",
        help="`eggypro` command of a later version, which creates the schema to test with",
    )
    parser.addoption(
        "--vercel",
        metavar="PYTHON",
        help="a Python with vercel-runtime and the project, to test the Vercel entry point",
    )


def pytest_report_header(config: pytest.Config) -> str:
    process = subprocess.run(
        [_binaries(config) / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return process.stdout.strip()


@pytest.fixture
def restore_logging() -> Iterator[None]:
    """Restore the logging configuration after the test."""
    loggers = [logging.getLogger(), *map(logging.getLogger, LOGGER_NAMES)]
    levels, handlers = [logger.level for logger in loggers], [*loggers[0].handlers]
    yield
    logging.captureWarnings(capture=False)
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="session")
def postgres(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[sa.URL]:
    """A server for this session, shared by its workers, with the template database."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    binaries = _binaries(pytestconfig)
    with attach(folder / "pg", linger=5, binaries=binaries, settings=FAST_SETTINGS) as server:
        url = sa.make_url(server.url)
        with (folder / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make_template(url, folder / "template.created", pytestconfig.getoption("upgraded_by"))
        yield url


@pytest.fixture(scope="session")
def database_entry(
    postgres: sa.URL, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[sa.URL]:
    """The URL that tests connect to: the server, or a pooler in front of it."""
    if not pytestconfig.getoption("pgbouncer"):
        yield postgres
        return
    with run_pgbouncer(postgres, tmp_path_factory.mktemp("pgbouncer")) as url:
        yield url


@pytest.fixture
def database_url(postgres: sa.URL, database_entry: sa.URL) -> Iterator[sa.URL]:
    """The URL of a database for this test, with all tables, empty."""
    with new_database(postgres) as url:
        yield database_entry.set(database=url.database)


@pytest.fixture
def direct_database_url(postgres: sa.URL) -> Iterator[sa.URL]:
    """Like `database_url`, never through the pooler, which knows one role only."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def shared_database(postgres: sa.URL, database_entry: sa.URL) -> Iterator[Database]:
    with new_database(postgres) as url:
        database = Database.connect(database_entry.set(database=url.database), size=8)
        yield database
        database.close()


@pytest.fixture
def emptied_database(shared_database: Database) -> Database:
    """A shared database with all tables, empty, for tests that do not change the schema.

    It takes a tenth of the time of a new database.
    """
    with shared_database.long_transaction() as connection:
        connection.execute(sa.text(DELETE_ALL_SQL))
    return shared_database


@pytest.fixture
def empty_database_url(postgres: sa.URL) -> Iterator[sa.URL]:
    """The URL of a database for this test, without tables."""
    with new_database(postgres, "template0") as url:
        yield url


@pytest.fixture
def connect_database() -> Iterator[Callable[..., Database]]:
    """`Database.connect` whose connections are closed at the end of the test."""
    with ExitStack() as stack:

        def connect(url: sa.URL, **options: Any) -> Database:
            database = Database.connect(url, **options)
            stack.callback(database.close)
            return database

        yield connect


@pytest.fixture
def database(database_url: sa.URL, connect_database: Callable[..., Database]) -> Database:
    return connect_database(database_url, size=8)


@contextmanager
def new_database(postgres: sa.URL, template: str = TEMPLATE_DATABASE) -> Iterator[sa.URL]:
    """Create a database for the duration of the block; the URL bypasses the pooler."""
    name = f"test_{uuid4().hex}"
    _execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield postgres.set(database=name)
    _execute(postgres, f"DROP DATABASE {name} WITH (FORCE)")


def _binaries(config: pytest.Config) -> Path:
    return find_binaries(config.getoption("postgres"))


def _make_template(url: sa.URL, marker: Path, eggypro: str | None) -> None:
    if marker.exists():
        return
    _execute(url, f"CREATE DATABASE {TEMPLATE_DATABASE}")
    template = url.set(database=TEMPLATE_DATABASE)
    settings = {"POSTGRES_URL": template.render_as_string(hide_password=False)}
    command = [sys.executable, "-m", "eggypro_cli"] if eggypro is None else [eggypro]
    # A process, since a migration that hangs would block the thread of the tests for ever.
    subprocess.run(
        [*command, "db", "upgrade"],
        env={**os.environ, **settings},
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    marker.touch()


def _execute(url: sa.URL, statement: str) -> None:
    conninfo = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement)
