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
from eggypro_adapters.postgres.migrations.differences import describe_difference
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
    and validates constraints in many short ones.
    """

    _database: Database

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
        scripts = ScriptDirectory.from_config(_config())
        return [(script.revision, script.doc) for script in scripts.walk_revisions()]

    def create_revision(self, message: str) -> str:
        with self._lock_database() as config:
            scripts = command.revision(config, message, autogenerate=True)
        script = scripts[0] if isinstance(scripts, list) else scripts
        return script.path if script else ""

    def differences(self) -> Sequence[str]:
        head = ScriptDirectory.from_config(_config()).get_current_head()
        with self._database.long_transaction() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            current = context.get_current_revision()
            with catch_warnings():
                # SQLAlchemy warns of an argument of its own for a constraint that is not validated.
                filterwarnings("ignore", ".*dialect_options", sa.exc.SAWarning)
                differences = compare_metadata(context, metadata)
            unfinished = list(unfinished_steps(connection))
        sentences = [*map(describe_difference, _flatten(differences)), *unfinished]
        if current == head:
            return sentences
        return [f"The database is at {current or 'no revision'}, the code at {head}", *sentences]

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
    def _lock_database(self) -> Iterator[Config]:
        while True:
            with self._database.long_transaction() as connection:
                if try_migration_lock(connection):
                    config = _config()
                    config.attributes["connection"] = connection
                    try:
                        yield config
                    except CommandError as error:
                        raise ValidationError([FieldError("revision", str(error))]) from None
                    return
            sleep(_RETRY_SECONDS)


def _is_newest(config: Config) -> bool:
    """Return whether the database of a configuration is at the newest revision."""
    context = MigrationContext.configure(config.attributes["connection"])
    return context.get_current_revision() == HEAD_REVISION


def _config() -> Config:
    config = Config(stdout=io.StringIO(), cmd_opts=Namespace(quiet=True))
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
