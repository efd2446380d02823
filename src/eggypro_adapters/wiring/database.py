"""The database: that of the settings or an embedded one, its replica, schema and address."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from eggypro_adapters.postgres.database import Database, PoolerCheck, WriteRecorder, detect_pooler
from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from eggypro_adapters.postgres.replica import Replica, ReplicatedDatabase
from eggypro_adapters.postgres.schema import HEAD_REVISION
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import Pooler
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.migrations import Migrations

POOL_SIZES = 15, 4
"""How many connections a process has to the database, and how many of its own for idempotency.

With the one that hears of changes they are 20.
"""
SERVERLESS_POOL_SIZES = 1, 1
"""The same where there may be very many processes.

Nobody waits for themselves: who holds one of its own may ask for another, never the reverse.
"""


@contextmanager
def open_database(
    settings: Settings,
    url: str | None,
    noted: WriteRecorder | None = None,
    *,
    size: int = POOL_SIZES[0],
) -> Iterator[Database]:
    """Give the database at a URL; without one, start or join the embedded one."""
    with ExitStack() as stack:
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            url = stack.enter_context(attach(settings.eggypro_data_dir)).url
        database = Database.connect(
            url, size=size, pooler=pooler_check(settings), record_write=noted
        )
        stack.callback(database.close)
        yield database


@contextmanager
def open_replica(
    settings: Settings, database: Database, written: WriteVersions
) -> Iterator[Database]:
    """Give the database, which reads from its replica if the settings name one."""
    if settings.postgres_read_url is None:
        yield database
        return
    replica = Replica.connect(
        settings.postgres_read_url,
        written.required_version,
        size=POOL_SIZES[0],
        pooler=pooler_check(settings),
    )
    try:
        yield ReplicatedDatabase.from_primary(database, replica)
    finally:
        replica.close()


def pooler_check(settings: Settings) -> PoolerCheck:
    """Return what tells whether a transaction pooler stands before a database."""
    if settings.postgres_pooler is Pooler.AUTO:
        return detect_pooler
    has_pooler = settings.postgres_pooler is Pooler.YES
    return lambda _: has_pooler


def upgrade_schema(database: Database) -> None:
    """Bring the schema of a database to this version, if it is not there."""
    if database.revision() != HEAD_REVISION:
        from eggypro_adapters.postgres.migrations import PostgresMigrations

        PostgresMigrations(database).upgrade()


@contextmanager
def open_migrations(settings: Settings) -> Iterator[Migrations]:
    """Give the migrations of the database that the settings name, past its pooler if they can."""
    from eggypro_adapters.postgres.migrations import PostgresMigrations

    url = settings.postgres_url_non_pooling or settings.postgres_url
    with open_database(settings, url) as database:
        yield PostgresMigrations(database)


@contextmanager
def open_address(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Give the database's address, past its pooler, as variables that tools of Postgres know."""
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    with ExitStack() as stack:
        url = settings.postgres_url_non_pooling or settings.postgres_url
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            url = stack.enter_context(attach(settings.eggypro_data_dir)).conninfo
        options = conninfo_to_dict(url.replace("+psycopg", "", 1))
        variables = {row.keyword.decode(): row.envvar for row in Conninfo.get_defaults()}
        named = ((variables.get(option), value) for option, value in options.items())
        yield {variable.decode(): str(value) for variable, value in named if variable}


def tool_folders() -> list[Path]:
    """Return where programs of Postgres may be that are not on the path."""
    from eggypro_adapters.embedded_postgres import find_binaries

    with suppress(UnavailableError):
        return [find_binaries()]
    return []
