"""Dump: every table by COPY, in one snapshot."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import BinaryIO

import sqlalchemy as sa

from eggypro_adapters.postgres.backup.archive import ArchiveWriter, Manifest, TableManifest
from eggypro_adapters.postgres.backup.names import quoted
from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.migrations import is_known_revision
from eggypro_adapters.postgres.schema import image_ledger, metadata
from eggypro_core.errors import ConflictError
from eggypro_core.operations.backups import BackupReport, ImageFiles, Progress

_NOW = sa.text("SELECT statement_timestamp()")
_COLUMNS = sa.text("""
SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relname = ANY(:tables) AND relnamespace = CAST(current_schema() AS regnamespace)
  AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
""")
_SEQUENCES = sa.text("""
SELECT relname || '.' || attname, pg_sequence_last_value(CAST(
  pg_get_serial_sequence(quote_ident(relname), attname) AS regclass))
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relname = ANY(:tables) AND relnamespace = CAST(current_schema() AS regnamespace)
  AND attidentity <> '' AND NOT attisdropped
""")
_STORED_IMAGES = sa.select(image_ledger.c.public_id).where(
    image_ledger.c.size.is_not(None), sa.not_(image_ledger.c.is_given_up)
)


def write_dump(
    database: Database,
    images: ImageFiles | None,
    version: str,
    target: BinaryIO,
    progress: Progress,
) -> BackupReport:
    """Write a dump to a stream, and return what it contains."""
    revision, tables = database.revision(), _existing_tables(database)
    if revision is None or "products" not in tables:
        raise ConflictError("The database has no products: there is nothing to dump")
    if not is_known_revision(revision):
        raise ConflictError(
            f"The database is at revision {revision} of a newer EggyPro: dump it with that version"
        )
    with database.read_transaction(tables) as connection, ArchiveWriter.open(target) as archive:
        created_at: datetime = connection.execute(_NOW).scalar_one()
        columns, dumped = _columns(connection, tables), {}
        for table in tables:
            progress(f"Dumping {table}")
            dumped[table] = _dump_table(connection, archive, table, columns[table])
        image_count, warnings = _dump_images(connection, archive, images, tables, progress)
        sequences = connection.execute(_SEQUENCES, {"tables": tables})
        manifest = Manifest(
            revision=revision,
            version=version,
            created_at=created_at.astimezone(UTC).isoformat(),
            tables=dumped,
            sequences={name: last for name, last in sequences if last is not None},
            images=image_count,
        )
        archive.finish(manifest)
    return BackupReport(
        revision=revision,
        created_at=manifest.created_at,
        products=dumped["products"].rows,
        images=image_count or 0,
        warnings=warnings,
    )


def _existing_tables(database: Database) -> list[str]:
    """Return the tables of the shop that the database has, each after those it refers to."""
    with database.short_transaction() as connection:
        existing = set(sa.inspect(connection).get_table_names())
    return [table.name for table in metadata.sorted_tables if table.name in existing]


def _columns(connection: sa.Connection, tables: list[str]) -> dict[str, list[str]]:
    """Return the columns of each table, except generated ones."""
    columns: dict[str, list[str]] = {table: [] for table in tables}
    for table, column in connection.execute(_COLUMNS, {"tables": tables}):
        columns[table].append(column)
    return columns


def _dump_table(
    connection: sa.Connection, archive: ArchiveWriter, table: str, columns: list[str]
) -> TableManifest:
    names = quoted(columns)
    with (
        driver_connection(connection.connection).cursor() as cursor,
        archive.table(table) as stream,
    ):
        with cursor.copy(f'COPY "{table}" ({names}) TO STDOUT') as copy:
            for chunk in copy:
                stream.write(chunk)
        return TableManifest(columns, cursor.rowcount)


def _dump_images(
    connection: sa.Connection,
    archive: ArchiveWriter,
    images: ImageFiles | None,
    tables: Sequence[str],
    progress: Progress,
) -> tuple[int | None, tuple[str, ...]]:
    """Write the image files, and return their number, and a warning if some are missing."""
    if images is None:
        return None, ()
    if image_ledger.name not in tables:
        return 0, ()
    progress("Dumping images")
    missing = 0

    def files() -> Iterator[tuple[str, BinaryIO]]:
        nonlocal missing
        for public_id in connection.execution_options(yield_per=1000).scalars(_STORED_IMAGES):
            if (file := images.open(public_id)) is None:
                missing += 1
            else:
                yield file

    count = archive.add_images(files())
    if not missing:
        return count, ()
    return count, (f"Images without a file, or deleted during the dump: {missing}",)
