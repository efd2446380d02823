"""Steps of an upgrade that follow the migrations, in short transactions of their own.

None blocks readers, or writers for long. After an interruption, a repeated upgrade continues with
them.
"""

from collections.abc import Callable, Iterator, Sequence

import sqlalchemy as sa

from eggypro_adapters.postgres.migrations.attribute_fields import fill_product_fields
from eggypro_adapters.postgres.migrations.catalogue import UPGRADE
from eggypro_adapters.postgres.schema import metadata
from eggypro_adapters.postgres.search_index import rebuild_missing

_INDEX_NAMES = sa.text("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()")
_INVALID_INDEXES = sa.text("""
    SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE NOT indisvalid AND relnamespace = CAST(current_schema() AS regnamespace)
""")
_HAS_BACKFILLS = sa.text("SELECT to_regclass('backfills') IS NOT NULL")
_UNFINISHED_BACKFILLS = sa.text("""
    SELECT name, (SELECT count(*) FROM products WHERE id > after_id) FROM backfills ORDER BY name
""")
_UNCHECKED_CONSTRAINTS = sa.text("""
    SELECT CAST(CAST(conrelid AS regclass) AS text) AS table_name, conname
    FROM pg_constraint
    WHERE NOT convalidated AND contype IN ('c', 'f')
      AND connamespace = CAST(current_schema() AS regnamespace)
    ORDER BY table_name, conname
""")


def create_indexes(connection: sa.Connection, *, concurrently: bool) -> None:
    """Create the indexes that are missing. An index is invalid if its creation was interrupted.

    `concurrently` does not block readers and writers; `connection` must have no transaction.
    """
    for name in connection.scalars(_INVALID_INDEXES).all():
        connection.execute(sa.text(f'DROP INDEX "{name}"'))
    existing = set(connection.scalars(_INDEX_NAMES))
    indexes = [index for table in metadata.sorted_tables for index in table.indexes]
    for index in sorted(indexes, key=lambda index: str(index.name)):
        if index.name not in existing:
            statement = str(sa.schema.CreateIndex(index).compile(dialect=connection.dialect))
            if concurrently:
                statement = statement.replace("INDEX", "INDEX CONCURRENTLY", 1)
            connection.exec_driver_sql(statement)


def validate_constraint(connection: sa.Connection) -> bool:
    """Check the rows of a table against a constraint that was added without a check.

    Returns False if there is no such constraint.
    """
    unchecked = connection.execute(_UNCHECKED_CONSTRAINTS).first()
    if unchecked is not None:
        table, name = unchecked
        connection.execute(sa.text(f'ALTER TABLE {table} VALIDATE CONSTRAINT "{name}"'))
    return unchecked is not None


def index_missing_products(connection: sa.Connection) -> bool:
    """Index the products and categories that are not in the search index. Returns False."""
    rebuild_missing(connection)
    return False


def unfinished_steps(connection: sa.Connection) -> Iterator[str]:
    """Yield a sentence for each invalid index, unchecked constraint and unfinished backfill."""
    for name in connection.scalars(_INVALID_INDEXES):
        yield f"Not valid in the database: index {name}. {UPGRADE}"
    for table, name in connection.execute(_UNCHECKED_CONSTRAINTS):
        yield f"Not validated in the database: constraint {name} of {table}. {UPGRADE}"
    if connection.scalar(_HAS_BACKFILLS):
        for name, count in connection.execute(_UNFINISHED_BACKFILLS):
            left = "1 product is left" if count == 1 else f"{count} products are left"
            yield f"{name} is not complete: {left}. {UPGRADE}"


STEPS: Sequence[Callable[[sa.Connection], bool]] = (
    validate_constraint,
    index_missing_products,
    fill_product_fields,
)
"""The steps: each does a small part of its work, and returns whether there may be more."""
