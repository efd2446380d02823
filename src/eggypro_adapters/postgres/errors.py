"""Translation of errors of Postgres and its driver to errors of the core."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from eggypro_core.errors import ConflictError, UnavailableError

UNAVAILABLE_CLASSES = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator intervention (and timeouts), system."""
RETRY_AFTER_SECONDS = 5
"""Seconds to wait before a retry when the database is busy."""
MISSING_SCHEMA_STATES = {"42P01", "42703", "42704"}
READ_ONLY_STATE = "25006"
UNIQUE_VIOLATION_STATE = "23505"
QUERY_CANCELED_STATE = "57014"
RETRYABLE_STATES = {"40001", "40P01"}
LOCK_NOT_AVAILABLE_STATE = "55P03"


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise UnavailableError or ConflictError for errors of the driver, by SQLSTATE.

    Unknown errors are bugs and pass unchanged.
    """
    try:
        yield
    except sa.exc.TimeoutError:
        raise UnavailableError(
            "All database connections are busy. Try again later.", retry_after=RETRY_AFTER_SECONDS
        ) from None
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        raise _domain_error(error.orig, error) from error
    except psycopg.Error as error:
        raise _domain_error(error, error) from error


def is_connection_lost(error: psycopg.Error) -> bool:
    """Return whether the connection is lost, rather than the statement wrong."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    )


def is_retryable(error: sa.exc.DBAPIError) -> bool:
    """Return whether Postgres aborted the transaction because of another one: it can be retried."""
    return isinstance(error.orig, psycopg.Error) and error.orig.sqlstate in RETRYABLE_STATES


def _domain_error(error: psycopg.Error, otherwise: Exception) -> Exception:
    state = error.sqlstate or ""
    if state in MISSING_SCHEMA_STATES:
        return UnavailableError(
            "The database schema does not match this version: run `eggypro db upgrade`"
        )
    if state in _BUSY:
        message, retry_after = _BUSY[state]
        return UnavailableError(message, retry_after=retry_after)
    if (
        state.startswith(UNAVAILABLE_CLASSES)
        or state == READ_ONLY_STATE
        or is_connection_lost(error)
    ):
        return UnavailableError("The database is unavailable. Try again later.")
    if state in RETRYABLE_STATES:
        return ConflictError("Another request changed the same data at the same time. Try again.")
    if state == UNIQUE_VIOLATION_STATE:
        return _UNIQUE_CONFLICTS.get(error.diag.constraint_name or "", otherwise)
    return otherwise


_BUSY = {
    QUERY_CANCELED_STATE: ("The database took too long. Try again later.", RETRY_AFTER_SECONDS),
    LOCK_NOT_AVAILABLE_STATE: (
        "Another request or an import is changing the same data. Try again in a second.",
        1,
    ),
}
_UNIQUE_CONFLICTS = {
    "products_slug_idx": ConflictError("The slug belongs to another product", field="slug"),
    "categories_slug_idx": ConflictError("The slug belongs to another category", field="slug"),
    "products_sku_idx": ConflictError("The SKU belongs to another product", field="sku"),
    "skus_pkey": ConflictError("The SKU belongs to another product or variant", field="sku"),
    "variants_combination_idx": ConflictError(
        "The product already has a variant with these options", field="options"
    ),
}
