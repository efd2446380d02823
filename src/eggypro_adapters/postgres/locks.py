"""Advisory locks: all lock numbers of the database, and the only statements that take them.

Postgres has one 64-bit key space per database, shared by the numbers below and the hashes of
idempotency keys. A collision is as unlikely as any of 64-bit hashes, and would only make one
request wait or fail with 409.

Never reuse a number for another purpose: during a rolling deployment the former version still takes
it. All locks but that of new indexes end with their transaction, so they work behind a pooler too.
"""

import sqlalchemy as sa

IMPORT_LOCK = 7_305_941_120
"""Held by product imports: one runs at a time."""
CATEGORY_TREE_LOCK = 7_305_941_121
"""Held by writers of the category tree: one at a time.

Statements after the lock see everything committed before: the path that a move is checked against
is still current when the move is stored.
"""
MIGRATION_LOCK = 7_305_941_122
"""Held by migrations: any number may start at once, one runs at a time.

Development versions took CATEGORY_TREE_LOCK for this too. Their migrations delay category writes;
if both versions upgrade one database at once, one of them may fail and roll back.
"""
PRUNE_LOCK = 7_305_941_123
"""Held by servers that delete expired rows: one at a time."""
EVENT_LOG_LOCK = 7_305_941_124
"""Held by readers of the event log while they give positions to committed batches."""
_TRY_TRANSACTION_LOCK = sa.text("SELECT pg_try_advisory_xact_lock(:lock)")
_TRY_SESSION_LOCK = sa.text("SELECT pg_try_advisory_lock(:lock)")
_WAIT = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_TRY = sa.text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")


def wait_for_lock(connection: sa.Connection, lock: int) -> None:
    """Wait for a lock and hold it until the transaction ends."""
    connection.execute(_WAIT, {"lock": lock})


def try_migration_lock(connection: sa.Connection, *, for_session: bool = False) -> bool:
    """Take the migration lock until the transaction (or the session) ends; return False if taken.

    After False, end the transaction before trying again: to create an index, the holder of the lock
    waits for the end of all other snapshots.
    """
    statement = _TRY_SESSION_LOCK if for_session else _TRY_TRANSACTION_LOCK
    return bool(connection.scalar(statement, {"lock": MIGRATION_LOCK}))


def try_prune_lock(connection: sa.Connection) -> bool:
    """Take the prune lock until the transaction ends; return False if it is taken."""
    return bool(connection.scalar(_TRY_TRANSACTION_LOCK, {"lock": PRUNE_LOCK}))


def try_idempotency_lock(connection: sa.Connection, key: str) -> bool:
    """Take the lock of an idempotency key until the transaction ends; return False if it is taken.

    `key` is the digest under which responses are stored.
    """
    return bool(connection.scalar(_TRY, {"key": key}))
