"""Steps of an upgrade that follow the migrations, each a short transaction of its own.

They lock few rows for a moment, so that readers and writers go on. An upgrade that was interrupted
goes on with them when it is repeated.
"""

from collections.abc import Callable

import sqlalchemy as sa

_UNCHECKED_CONSTRAINTS = sa.text("""
    SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', CAST(conrelid AS regclass), conname)
    FROM pg_constraint
    WHERE NOT convalidated AND contype IN ('c', 'f')
      AND connamespace = CAST(current_schema() AS regnamespace)
    ORDER BY conrelid, conname LIMIT 1
""")


def validate_constraint(connection: sa.Connection) -> bool:
    """Check the rows of a table against a constraint that was added without a check.

    Returns False if there is no such constraint.
    """
    statement = connection.scalar(_UNCHECKED_CONSTRAINTS)
    if statement is not None:
        connection.execute(sa.text(statement))
    return statement is not None


STEPS: tuple[Callable[[sa.Connection], bool], ...] = (validate_constraint,)
"""The steps: each does a small part of its work, and returns whether there may be more."""
