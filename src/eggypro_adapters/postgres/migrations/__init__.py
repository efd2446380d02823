"""Schema migrations by Alembic."""

import io
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any
from warnings import catch_warnings, filterwarnings

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from attrs import frozen

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.locks import try_migration_lock
from eggypro_adapters.postgres.migrations.batches import STEPS, create_indexes, unfinished_steps
from eggypro_adapters.postgres.migrations.catalogue import UPGRADE, missing_objects
from eggypro_adapters.postgres.migrations.differences import describe_difference
from eggypro_adapters.postgres.migrations.rights import (
    is_readable,
    missing_rights,
    outdated_sequences,
)
from eggypro_adapters.postgres.schema import HEAD_REVISION, metadata
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.operations.migrations import TableSize

_RETRY_SECONDS = 0.05
"""Seconds between attempts to take the migration lock."""
_TABLE_SIZES = sa.text(
    """
SELECT relname, CAST(greatest(reltuples, pg_stat_get_live_tuples(oid)) AS bigint),
  pg_total_relation_size(oid)
FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = CAST(current_schema() AS regnamespace)
ORDER BY relname"""
)


@frozen
class PostgresMigrations:
    """Run the migrations of this package on a database.

    Each method is one transaction, except that an upgrade to the newest revision then fills columns
    and validates constraints in many short ones. `role` is the one whose rights `missing` checks,
    by default that of the connection.
    """

    _database: Database
    _role: str | None = None

    def upgrade(self, revision: str = "head") -> None:
        if self._upgrade_schema(revision):
            self._run_batches()

    def downgrade(self, revision: str) -> None:
        with self._lock_database() as config:
            command.downgrade(config, revision)

    def current(self) -> str | None:
        with self._database.long_transaction() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def history(self) -> Sequence[tuple[str, str]]:
        return _history()

    def create_revision(self, message: str) -> str:
        with self._lock_database() as config:
            scripts = command.revision(config, message, autogenerate=True)
        script = scripts[0] if isinstance(scripts, list) else scripts
        return script.path if script else ""

    def missing(self) -> Sequence[str]:
        tables = ["alembic_version", *metadata.tables]
        with self._database.long_transaction() as connection:
            rights = list(missing_rights(connection, tables, self._role))
            if not is_readable(connection):
                return [*rights, *missing_objects(connection)]
            current = MigrationContext.configure(connection).get_current_revision()
            if current != HEAD_REVISION:
                return rights if current is None and rights else [*rights, _outdated(current)]
            return [
                *rights,
                *missing_objects(connection),
                *unfinished_steps(connection),
                *outdated_sequences(connection, tables),
            ]

    def differences(self) -> Sequence[str]:
        missing = self.missing()
        with self._database.long_transaction() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            with catch_warnings():
                # SQLAlchemy warns of an argument of its own for a constraint that is not validated.
                filterwarnings("ignore", ".*dialect_options", sa.exc.SAWarning)
                differences = _flatten(compare_metadata(context, metadata))
        if missing:  # with a better description
            differences = (item for item in differences if item[0].startswith("remove"))
        return [*missing, *map(describe_difference, differences)]

    def table_sizes(self) -> Sequence[TableSize]:
        with self._database.long_transaction() as connection:
            return [TableSize(*row) for row in connection.execute(_TABLE_SIZES)]

    def _upgrade_schema(self, revision: str) -> bool:
        """Run the migrations, and return whether the database is at the newest revision."""
        with self._lock_database() as config:
            command.upgrade(config, revision)
            return _is_newest(config)

    def _run_batches(self) -> None:
        self._create_indexes()
        for step in STEPS:
            has_more = True
            while has_more:
                with self._lock_database() as config:
                    has_more = step(config.attributes["connection"])

    def _create_indexes(self) -> None:
        with self._database.session() as connection:
            if connection is not None:
                while not try_migration_lock(connection, for_session=True):
                    sleep(_RETRY_SECONDS)
                create_indexes(connection, concurrently=True)
                return
        with self._lock_database() as config:
            create_indexes(config.attributes["connection"], concurrently=False)

    @contextmanager
    def exclusive_transaction(self) -> Iterator[sa.Connection]:
        """Open a transaction that holds the migration lock, after waiting for it."""
        while True:
            with self._database.long_transaction() as connection:
                if try_migration_lock(connection):
                    yield connection
                    return
            sleep(_RETRY_SECONDS)

    @contextmanager
    def _lock_database(self) -> Iterator[Config]:
        with self.exclusive_transaction() as connection:
            config = _config(connection)
            try:
                yield config
            except CommandError as error:
                raise ValidationError([FieldError("revision", str(error))]) from None


def upgrade_schema(connection: sa.Connection, revision: str, *, schema: str | None) -> None:
    """Run the migrations up to a revision in a schema, the first of the search path.

    None is the schema in use.
    """
    config = _config(connection)
    config.attributes["schema"] = schema
    command.upgrade(config, revision)


def complete_upgrade(connection: sa.Connection) -> None:
    """Run the steps that follow the migrations, all in this transaction."""
    create_indexes(connection, concurrently=False)
    for step in STEPS:
        while step(connection):
            pass


def is_known_revision(revision: str) -> bool:
    """Return whether a revision is one of this version."""
    return revision in dict(_history())


def _is_newest(config: Config) -> bool:
    """Return whether the database of a configuration is at the newest revision."""
    context = MigrationContext.configure(config.attributes["connection"])
    return context.get_current_revision() == HEAD_REVISION


def _outdated(current: str | None) -> str:
    """Return a sentence about a database that is not at the newest revision."""
    at = current or "no revision"
    if current is not None and not is_known_revision(current):
        return f"The database is at {at}, which this version does not know: install a newer version"
    return f"The database is at {at}, the code at {HEAD_REVISION}. {UPGRADE}"


def _history() -> Sequence[tuple[str, str]]:
    scripts = ScriptDirectory.from_config(_config())
    return [(script.revision, script.doc) for script in scripts.walk_revisions()]


def _config(connection: sa.Connection | None = None) -> Config:
    config = Config(stdout=io.StringIO(), cmd_opts=Namespace(quiet=True))
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _flatten(differences: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Yield single differences: Alembic groups those of a column in a list."""
    for difference in differences:
        if isinstance(difference, list):
            yield from difference
        else:
            yield difference
