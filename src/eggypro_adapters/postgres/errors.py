"""What Postgres and its driver say, in the words of the domain: the one translation of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from eggypro_core.errors import ConflictError, UnavailableError

AWAY = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator's hand (and timeouts), system."""
BUSY = 5
"""The seconds after which it may be less busy."""
NO_TABLES = {"42P01", "42703", "42704"}
READ_ONLY = "25006"
UNIQUE = "23505"
CANCELLED = "57014"
COLLISIONS = {"40001", "40P01", "55P03"}


@contextmanager
def translated() -> Iterator[None]:
    """Raise UnavailableError or ConflictError for what the driver raises, by SQLSTATE.

    What is not understood goes on as it is: it is a bug, and should be seen.
    """
    try:
        yield
    except sa.exc.TimeoutError:
        raise UnavailableError(
            "All database connections are busy: try again", retry_after=BUSY
        ) from None
    except sa.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        raise _domain_error(error.orig, error) from error
    except psycopg.Error as error:
        raise _domain_error(error, error) from error


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, rather than the statement wrong."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
    )


def is_collision(error: sa.exc.DBAPIError) -> bool:
    """Whether a transaction was turned back for another's sake: it may be begun anew."""
    return isinstance(error.orig, psycopg.Error) and error.orig.sqlstate in COLLISIONS


def _domain_error(error: psycopg.Error, otherwise: Exception) -> Exception:
    state = error.sqlstate or ""
    if state in NO_TABLES:
        return UnavailableError("The database is not at this version: run `eggypro db upgrade`")
    if state == CANCELLED:
        return UnavailableError("The database took too long: try again later", retry_after=BUSY)
    if state.startswith(AWAY) or state == READ_ONLY or is_lost(error):
        return UnavailableError("The database does not answer as it should: try again later")
    if state in COLLISIONS:
        return ConflictError("Another writer changed the same things meanwhile: try again")
    if state == UNIQUE:
        return _TAKEN.get(error.diag.constraint_name or "", otherwise)
    return otherwise


_TAKEN = {
    "products_slug_idx": ConflictError("The slug belongs to another product", field="slug"),
    "categories_slug_idx": ConflictError("The slug belongs to another category", field="slug"),
    "products_sku_idx": ConflictError("The SKU belongs to another product", field="sku"),
    "skus_pkey": ConflictError("The SKU belongs to another product or variant", field="sku"),
    "variants_combination_idx": ConflictError(
        "The product has a variant with these options", field="options"
    ),
}
