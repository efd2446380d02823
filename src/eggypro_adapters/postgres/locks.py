"""The advisory locks of the database: every number, and the only statements that take one.

Postgres has one key space of 64 bits per database. The numbers below are in it, and so is a hash of
each idempotency key: that one of them meets another key is as unlikely as any collision of 64 bits,
and would only make one request wait or be refused with 409.

A number keeps its meaning for good: while servers are replaced one by one, the former version still
takes it. All locks end with their transaction, so that they work behind a pooler too.
"""

import sqlalchemy as sa

IMPORT_LOCK = 7_305_941_120
"""Held by an import of products: one runs at a time."""
CATEGORY_TREE_LOCK = 7_305_941_121
"""Held by every writer of the category tree.

So no two of them overlap, and each statement behind the lock sees all that was committed before:
the path that a move is checked against is still the path when the move is stored.
"""
MIGRATION_LOCK = 7_305_941_122
"""Held by a migration: any number may be started at once, one runs at a time.

Development versions took CATEGORY_TREE_LOCK for this too. Such a migration delays category writes;
if both kinds upgrade one database at once, one of them may fail, and is then rolled back.
"""
_WAIT = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_TRY = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")


def wait_for_lock(connection: sa.Connection, lock: int) -> None:
    """Wait for a lock, and hold it until the transaction ends."""
    connection.execute(_WAIT, {"lock": lock})


def try_idempotency_lock(connection: sa.Connection, key: str) -> bool:
    """Hold the lock of an idempotency key until the transaction ends; return False if it is held.

    `key` is the digest that the keys are stored by.
    """
    return bool(connection.scalar(_TRY, {"key": key}))
