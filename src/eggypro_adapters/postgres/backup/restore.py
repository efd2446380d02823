"""Restore: build the shop of a dump beside the one in use, then swap them, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psycopg
import sqlalchemy as sa

from eggypro_adapters.postgres.backup.archive import ArchiveReader, Manifest, translate_damage
from eggypro_adapters.postgres.backup.names import quoted
from eggypro_adapters.postgres.backup.schema_swap import SchemaSwap
from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation.feed import touch_all
from eggypro_adapters.postgres.locks import IMPORT_LOCK, wait_for_lock
from eggypro_adapters.postgres.migrations import (
    PostgresMigrations,
    complete_upgrade,
    is_known_revision,
    upgrade_schema,
)
from eggypro_adapters.postgres.migrations.catalogue import expected_catalogue
from eggypro_adapters.postgres.schema import HEAD_REVISION, metadata
from eggypro_core.errors import ConflictError, ParseError
from eggypro_core.operations.backups import BackupReport, ImageFiles, Progress, ReceivedImages

_IMPORT_WAIT = sa.text("SET LOCAL lock_timeout = '60s'")
_NO_LIMIT = sa.text("SET LOCAL lock_timeout = 0")
_EXISTS = sa.text("SELECT to_regclass(:name) IS NOT NULL")
_COUNT_PRODUCTS = sa.text("SELECT count(*) FROM products")
_REVISION = sa.text("SELECT version_num FROM alembic_version")
_COLUMNS = sa.text("""
SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass)
  AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
""")
_INDEXES = sa.text("""
SELECT CAST(indexrelid AS regclass), pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class ON pg_class.oid = indexrelid
WHERE relnamespace = CAST(current_schema() AS regnamespace)
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
""")
_REVOKE_KEYS = sa.text("UPDATE api_keys SET revoked_at = now() WHERE revoked_at IS NULL")
_RELEASE_IMAGES = """
INSERT INTO {new}.image_ledger (public_id, until, is_given_up)
SELECT public_id, until, true FROM {used}.image_ledger ON CONFLICT DO NOTHING
"""


def restore_dump(
    database: Database,
    images: ImageFiles | None,
    archive: ArchiveReader,
    progress: Progress,
    *,
    replace: bool,
    with_access: bool = False,
) -> BackupReport:
    """Replace all data with those of a dump, and return what it contains.

    Revokes its API keys unless `with_access`.
    """
    manifest = archive.manifest
    _require_known_revision(manifest)
    with ExitStack() as stack:
        with PostgresMigrations(database).exclusive_transaction() as connection:
            _require_replaceable(connection, replace=replace)
            connection.execute(_IMPORT_WAIT)
            wait_for_lock(connection, IMPORT_LOCK)
            connection.execute(_NO_LIMIT)
            swap, warnings = _build(connection, archive, progress)
            if not with_access:
                warnings = [*warnings, *_revoke_keys(connection)]
            received = stack.enter_context(images.receive()) if images else None
            if received is not None:
                _receive_images(archive, received, progress)
            if swap.is_swap:
                progress("Replacing the tables")
                _replace(connection, swap, replace=replace)
            touch_all(connection)
        if received is not None:
            received.publish()
    return BackupReport(
        revision=manifest.revision,
        created_at=manifest.created_at,
        products=manifest.tables["products"].rows,
        images=(manifest.images or 0) if images else 0,
        warnings=(*warnings, *_image_warnings(manifest, images)),
    )


def _require_known_revision(manifest: Manifest) -> None:
    if not is_known_revision(manifest.revision):
        raise ConflictError(
            f"The dump is of revision {manifest.revision}, newer than this version of EggyPro:"
            f" restore it with version {manifest.version}"
        )


def _require_replaceable(connection: sa.Connection, *, replace: bool) -> None:
    """Raise ConflictError if the database has products, or is of a newer version."""
    if connection.scalar(_EXISTS, {"name": "alembic_version"}):
        revision = connection.scalar(_REVISION)
        if revision is not None and not is_known_revision(revision):
            raise ConflictError(
                f"The database is at revision {revision} of a newer EggyPro:"
                " restore with that version"
            )
    if replace or not connection.scalar(_EXISTS, {"name": "products"}):
        return
    if count := connection.scalar(_COUNT_PRODUCTS):
        products = "1 product" if count == 1 else f"{count} products"
        raise ConflictError(f"The database has {products}: pass --replace to replace all its data")


def _build(
    connection: sa.Connection, archive: ArchiveReader, progress: Progress
) -> tuple[SchemaSwap, Sequence[str]]:
    """Build the shop of the dump in a new schema, and upgrade it to the newest revision.

    Returns the schema and warnings.
    """
    for item in expected_catalogue():
        if item.kind == "extension":
            connection.execute(sa.text(f"CREATE EXTENSION IF NOT EXISTS {item.name}"))
    swap, manifest = SchemaSwap.begin(connection), archive.manifest
    upgrade_schema(connection, manifest.revision, schema=swap.new if swap.is_swap else None)
    unknown = list[str]()
    with _without_indexes(connection, progress):
        for table in (table.name for table in metadata.sorted_tables):
            if connection.scalar(_EXISTS, {"name": f"{swap.new}.{table}"}):
                progress(f"Copying {table}")
                unknown += _load_table(connection, archive, table)
    _set_sequences(connection, manifest)
    if manifest.revision != HEAD_REVISION:
        progress("Upgrading")
        upgrade_schema(connection, "head", schema=swap.new if swap.is_swap else None)
    complete_upgrade(connection)
    for table in metadata.tables:
        connection.execute(sa.text(f'ANALYZE "{table}"'))
    if not unknown:
        return swap, ()
    return swap, (f"Not restored, as EggyPro does not know them: columns {', '.join(unknown)}",)


def _revoke_keys(connection: sa.Connection) -> Sequence[str]:
    """Revoke the API keys of the dump, and return a warning if it has some."""
    count = connection.execute(_REVOKE_KEYS).rowcount
    return [f"API keys were revoked: {count}. Pass --with-access to keep them"] if count else []


@contextmanager
def _without_indexes(connection: sa.Connection, progress: Progress) -> Iterator[None]:
    """Drop the indexes without a constraint, and create them again at the end, which is faster."""
    indexes = connection.execute(_INDEXES).all()
    for name, _ in indexes:
        connection.execute(sa.text(f"DROP INDEX {name}"))
    yield
    progress("Creating indexes")
    for _, definition in indexes:
        connection.exec_driver_sql(definition)


def _load_table(connection: sa.Connection, archive: ArchiveReader, table: str) -> Sequence[str]:
    """Copy the rows of a table, and return its columns that the schema does not have.

    Its triggers do not run: what they write is in the dump too.
    """
    manifest = archive.manifest.tables.get(table)
    if manifest is None:
        return ()
    known = set(connection.scalars(_COLUMNS, {"name": table}))
    unknown = [name for name in manifest.columns if name not in known]
    _alter(connection, table, "DISABLE TRIGGER USER", *(f"ADD {quoted([n])} text" for n in unknown))
    connection.execute(sa.text(f'DELETE FROM "{table}"'))  # rows that migrations have written
    with driver_connection(connection.connection).cursor() as cursor, _translate_data(table):
        statement = f'COPY "{table}" ({quoted(manifest.columns)}) FROM STDIN (FREEZE)'
        with translate_damage(), archive.table(table) as chunks, cursor.copy(statement) as copy:
            for chunk in chunks:
                copy.write(chunk)
        if cursor.rowcount != manifest.rows:
            raise ParseError(f"The dump is damaged: rows of table {table} are missing")
    _alter(connection, table, "ENABLE TRIGGER USER", *(f"DROP {quoted([n])}" for n in unknown))
    return [f"{table}.{name}" for name in unknown]


def _alter(connection: sa.Connection, table: str, *changes: str) -> None:
    connection.exec_driver_sql(f'ALTER TABLE "{table}" {", ".join(changes)}')


@contextmanager
def _translate_data(table: str) -> Iterator[None]:
    """Raise ParseError for rows that Postgres refuses."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        reason = str(error).partition("\n")[0]
        raise ParseError(f"The dump is damaged: table {table}: {reason}") from None


def _set_sequences(connection: sa.Connection, manifest: Manifest) -> None:
    """Let each sequence continue after the last ID that the dumped shop has given."""
    for name, last in manifest.sequences.items():
        table, _, column = name.partition(".")
        if table not in metadata.tables:
            raise ParseError(f"The dump is damaged: it has a sequence of {table}")
        newest = f'(SELECT coalesce(max("{column}"), 0) FROM "{table}")'
        connection.execute(
            sa.text(
                f"SELECT setval(pg_get_serial_sequence(:table, :column), greatest(:last, {newest}))"
            ),
            {"table": table, "column": column, "last": last},
        )


def _receive_images(archive: ArchiveReader, received: ReceivedImages, progress: Progress) -> None:
    progress("Copying images")
    count = 0
    with translate_damage():
        for name, content in archive.images():
            received.add(name, content)
            count += 1
    if count != (archive.manifest.images or 0):
        raise ParseError("The dump is damaged: images are missing")
    received.flush()


def _replace(connection: sa.Connection, swap: SchemaSwap, *, replace: bool) -> None:
    """Put the new tables in the place of those in use, and release images that are left over.

    `images prune` deletes these.
    """
    swap.lock_used_tables()
    _require_replaceable(connection, replace=replace)  # with what was written meanwhile
    if connection.scalar(_EXISTS, {"name": f"{swap.used}.image_ledger"}):
        statement = _RELEASE_IMAGES.format(new=swap.new, used=swap.used)
        connection.execute(sa.text(statement))
    swap.finish()


def _image_warnings(manifest: Manifest, images: ImageFiles | None) -> Sequence[str]:
    """Return warnings about images that are elsewhere."""
    has_images = "image_ledger" in manifest.tables and manifest.tables["image_ledger"].rows > 0
    if images is None and manifest.images:
        return ["The dump has image files: restore it with IMAGE_STORE=local to get them"]
    if images is not None and manifest.images is None and has_images:
        return ["The images of the dump are at Cloudinary: set IMAGE_STORE=cloudinary to show them"]
    return []
