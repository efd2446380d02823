"""The configured or embedded database, its replica, migrations and connection parameters."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from attrs import frozen

from eggypro_adapters.postgres.connection import PoolerCheck, detect_pooler
from eggypro_adapters.postgres.database import Database, WriteRecorder
from eggypro_adapters.postgres.invalidation.feed import WriteVersions
from eggypro_adapters.postgres.readiness import DatabaseCheck
from eggypro_adapters.postgres.replica import Replica, ReplicatedDatabase
from eggypro_adapters.postgres.schema import is_outdated
from eggypro_adapters.settings import Settings
from eggypro_adapters.settings.types import Pooler
from eggypro_core.errors import UnavailableError
from eggypro_core.operations.error_tracking import OutageDetector
from eggypro_core.operations.health import Check
from eggypro_core.operations.migrations import Migrations

_OTHER_LIBPQ_VARIABLES = frozenset(
    {"PGSERVICEFILE", "PGSYSCONFDIR", "PGREQUIRESSL", "PGDATESTYLE", "PGTZ", "PGGEQO"}
)
"""Variables of libpq that are not options of a connection."""


@frozen
class PoolSizes:
    """Numbers of connections of a process to the database.

    `transactions` is the most of them that write, and `keyed` the most that hold the transaction of
    an idempotency key, which may wait for one of the former. The others are free for reads.
    """

    total: int
    transactions: int
    keyed: int


POOL_SIZES = PoolSizes(total=19, transactions=10, keyed=4)
"""With that of the invalidation feed they are 20."""
SERVERLESS_POOL_SIZES = PoolSizes(total=2, transactions=1, keyed=1)
"""The same for serverless platforms, which may start many processes."""


@contextmanager
def open_database(
    settings: Settings,
    record_write: WriteRecorder | None = None,
    *,
    sizes: PoolSizes = POOL_SIZES,
    avoids_pooler: bool = False,
) -> Iterator[Database]:
    """Yield the configured database; start or join the embedded one if there is none.

    `avoids_pooler` connects without the pooler if the settings name such a URL.
    """
    is_direct = avoids_pooler and settings.postgres_url_non_pooling is not None
    url = settings.postgres_url_non_pooling if is_direct else settings.postgres_url
    with ExitStack() as stack:
        server = None
        if url is None:
            from eggypro_adapters.embedded_postgres.restarting import RestartingAttachment

            _remove_libpq_variables()
            server = RestartingAttachment(settings.eggypro_data_dir)
            stack.callback(server.close)
            url = server.url
        database = Database.connect(
            url,
            size=sizes.total,
            pooler=pooler_check(settings),
            record_write=record_write,
        )
        if is_direct:
            database.name_setting("POSTGRES_URL_NON_POOLING")
        if server is not None:
            database.restart_server_with(server.restart)
        stack.callback(database.close)
        yield database.with_share(sizes.transactions)


def _remove_libpq_variables() -> None:
    """Remove libpq's variables from the environment, which do not concern the embedded server.

    libpq reads them for each connection, and PGSERVICE cannot be overridden.
    """
    from psycopg.pq import Conninfo

    variables = {row.envvar.decode() for row in Conninfo.get_defaults() if row.envvar}
    for name in variables | _OTHER_LIBPQ_VARIABLES:
        os.environ.pop(name, None)


@contextmanager
def open_replica(
    settings: Settings, database: Database, write_versions: WriteVersions, outage: OutageDetector
) -> Iterator[Database]:
    """Yield the database, which reads from the replica if the settings name one."""
    if settings.postgres_read_url is None:
        yield database
        return
    replica = Replica.connect(
        settings.postgres_read_url,
        write_versions.required_version,
        size=POOL_SIZES.total - POOL_SIZES.keyed,
        pooler=pooler_check(settings),
        outage=outage,
    )
    try:
        yield ReplicatedDatabase.from_primary(database, replica)
    finally:
        replica.close()


def replica_check(settings: Settings) -> Check | None:
    """Return the check that the replica can be read, None if the settings name none."""
    if settings.postgres_read_url is None:
        return None
    return partial(_check_replica, settings.postgres_read_url, pooler_check(settings))


def _check_replica(url: str, pooler: PoolerCheck) -> None:
    database = Database.connect(url, size=1, pooler=pooler)
    database.name_setting("POSTGRES_READ_URL")
    with closing(database):
        DatabaseCheck(database)()


def pooler_check(settings: Settings) -> PoolerCheck:
    """Return the check whether a database is behind a transaction pooler."""
    if settings.postgres_pooler is Pooler.AUTO:
        return detect_pooler
    has_pooler = settings.postgres_pooler is Pooler.YES
    return lambda _: has_pooler


def upgrade_schema(database: Database) -> None:
    """Migrate the schema of a database to this version if necessary."""
    if is_outdated(database.revision()):
        from eggypro_adapters.postgres.migrations import PostgresMigrations

        PostgresMigrations(database).upgrade()


@contextmanager
def open_migrations(settings: Settings) -> Iterator[Migrations]:
    """Yield the migrations of the configured database, without its pooler if possible."""
    from sqlalchemy import make_url

    from eggypro_adapters.postgres.migrations import PostgresMigrations

    role = make_url(settings.postgres_url).username if settings.postgres_url else None
    with open_database(settings, avoids_pooler=True) as database:
        yield PostgresMigrations(database, role)


@contextmanager
def open_libpq_environment(settings: Settings) -> Iterator[Mapping[str, str]]:
    """Yield the environment variables (PGHOST, ...) of the database for Postgres tools.

    They avoid the pooler if possible.
    """
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.pq import Conninfo

    with ExitStack() as stack:
        url = settings.postgres_url_non_pooling or settings.postgres_url
        if url is None:
            from eggypro_adapters.embedded_postgres import attach

            _remove_libpq_variables()
            url = stack.enter_context(attach(settings.eggypro_data_dir)).conninfo
        options = conninfo_to_dict(url.replace("+psycopg", "", 1))
        variables = {row.keyword.decode(): row.envvar for row in Conninfo.get_defaults()}
        pairs = ((variables.get(option), value) for option, value in options.items())
        yield {variable.decode(): str(value) for variable, value in pairs if variable}


def postgres_bin_dirs() -> list[Path]:
    """Return folders with Postgres programs that may not be on the PATH."""
    from eggypro_adapters.embedded_postgres import find_binaries

    with suppress(UnavailableError):
        return [find_binaries()]
    return []
