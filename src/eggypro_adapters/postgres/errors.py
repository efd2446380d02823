"""Translation of errors of Postgres and its driver to errors of the core."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from eggypro_adapters.postgres.connection_errors import (
    BUSY_RETRY_AFTER_SECONDS,
    busy_error,
    misconfigured_error,
    quote_message,
)
from eggypro_adapters.postgres.permission_errors import permission_error
from eggypro_core.errors import (
    ConflictError,
    StorageFullError,
    UnavailableError,
    UnavailableKind,
    database_unavailable_error,
    translate_storage_errors,
)

UNAVAILABLE_CLASSES = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator intervention (and timeouts), system."""
MISSING_SCHEMA_STATES = {"42P01", "42703", "42704"}
MISSING_FUNCTION_STATE = "42883"
OUR_FUNCTION_PREFIX = "eggypro_"
READ_ONLY_STATE = "25006"
PERMISSION_STATE = "42501"
NO_SCHEMA_STATE = "3F000"
EXTENSION_STATES = {"0A000", "58P01"}
"""States of a missing extension, among others."""
UNIQUE_VIOLATION_STATE = "23505"
DISK_FULL_STATE = "53100"
QUERY_CANCELED_STATE = "57014"
RETRYABLE_STATES = {"40001", "40P01"}
LOCK_NOT_AVAILABLE_STATE = "55P03"


@contextmanager
def translate_errors(role: str | None = None) -> Iterator[None]:
    """Raise UnavailableError or ConflictError for errors of the driver, by SQLSTATE.

    `role` is named in advice on rights. Raises StorageFullError for a full disk of the database, or
    of this process. Unknown errors are bugs and pass unchanged.
    """
    try:
        with translate_storage_errors():
            yield
    except sa.exc.TimeoutError:
        raise busy_error() from None
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        raise _domain_error(error.orig, error, role) from error
    except psycopg.Error as error:
        raise _domain_error(error, error, role) from error


def concurrent_write_error() -> ConflictError:
    """Return the error of a write that failed repeatedly because of other writers."""
    return ConflictError(
        "Another request changed the same data at the same time. Try again.",
        code="concurrent-write",
    )


def is_connection_lost(error: psycopg.Error) -> bool:
    """Return whether the connection is lost, rather than the statement wrong."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    )


def is_retryable(error: sa.exc.DBAPIError) -> bool:
    """Return whether Postgres aborted the transaction because of another one: it can be retried."""
    return isinstance(error.orig, psycopg.Error) and error.orig.sqlstate in RETRYABLE_STATES


def _domain_error(error: psycopg.Error, otherwise: Exception, role: str | None) -> Exception:
    state = error.sqlstate or ""
    if unusable := _unusable_database(error, state, role):
        return unusable
    if state in _BUSY:
        message, retry_after = _BUSY[state]
        return UnavailableError(message, retry_after=retry_after)
    if state.startswith(UNAVAILABLE_CLASSES) or is_connection_lost(error):
        return _unavailable_error(error, state)
    if state in RETRYABLE_STATES:
        return concurrent_write_error()
    if state == UNIQUE_VIOLATION_STATE:
        return _UNIQUE_CONFLICTS.get(error.diag.constraint_name or "", otherwise)
    return otherwise


def _unavailable_error(error: psycopg.Error, state: str) -> UnavailableError:
    if state == DISK_FULL_STATE:
        return StorageFullError("The disk of the database is full")
    reason = quote_message(str(error))
    return database_unavailable_error(f"The database is unavailable ({reason}). Try again later.")


def _unusable_database(
    error: psycopg.Error, state: str, role: str | None
) -> UnavailableError | None:
    """Return the error of a database that works, but not for this version or this role."""
    if state in MISSING_SCHEMA_STATES or (
        state == MISSING_FUNCTION_STATE and OUR_FUNCTION_PREFIX in str(error)
    ):
        return database_unavailable_error(
            "The database schema does not match this version: run `eggypro db upgrade`",
            kind=UnavailableKind.OUTDATED_SCHEMA,
        )
    if state in {PERMISSION_STATE, NO_SCHEMA_STATE}:
        return permission_error(error, role)
    if state in EXTENSION_STATES and "extension" in str(error):
        return misconfigured_error(
            f"Postgres cannot install an extension ({quote_message(str(error))}): install its"
            " package, such as postgresql-contrib, on the database server"
        )
    if state == READ_ONLY_STATE:
        return database_unavailable_error(
            "The database is read-only: connect to its primary, or reset"
            " default_transaction_read_only"
        )
    return None


_BUSY = {
    QUERY_CANCELED_STATE: (
        "The database took too long. Try again later.",
        BUSY_RETRY_AFTER_SECONDS,
    ),
    LOCK_NOT_AVAILABLE_STATE: (
        "Another request or an import is changing the same data. Try again in a second.",
        1,
    ),
}
_UNIQUE_CONFLICTS = {
    "products_slug_idx": ConflictError(
        "The slug belongs to another product", field="slug", code="slug-taken"
    ),
    "categories_slug_idx": ConflictError(
        "The slug belongs to another category", field="slug", code="slug-taken"
    ),
    "products_sku_idx": ConflictError(
        "The SKU belongs to another product", field="sku", code="sku-taken"
    ),
    "skus_pkey": ConflictError(
        "The SKU belongs to another product or variant", field="sku", code="sku-taken"
    ),
    "variants_combination_idx": ConflictError(
        "The product already has a variant with these options",
        field="options",
        code="options-taken",
    ),
}
