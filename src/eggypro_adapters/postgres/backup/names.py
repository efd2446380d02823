"""Quoted names of columns, which a dump or a database may have given any name."""

from collections.abc import Iterable

from psycopg.sql import SQL, Identifier


def quoted(names: Iterable[str]) -> str:
    """Return names as a list for SQL."""
    return SQL(", ").join(map(Identifier, names)).as_string()
