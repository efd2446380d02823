"""Write many rows at once, by COPY."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import sqlalchemy as sa

from eggypro_adapters.postgres.connection import driver_connection
from eggypro_adapters.postgres.copy_format import encode_rows


def replace_rows(
    connection: sa.Connection, table: str, staging: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Replace rows of a table by id, through the temporary table `staging`."""
    copy_rows(connection, staging, rows)
    names = [name for name in rows[0] if name != "id"]
    new_values = ", ".join(f"{name} = {staging}.{name}" for name in names)
    connection.execute(
        sa.text(f"UPDATE {table} SET {new_values} FROM {staging} WHERE {table}.id = {staging}.id")
    )
    connection.execute(sa.text(f"TRUNCATE {staging}"))


def copy_rows(connection: sa.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add rows, all with the same columns, to a table. Streams `rows`."""
    remaining = iter(rows)
    first = next(remaining, None)
    if first is None:
        return
    cursor = driver_connection(connection.connection).cursor()
    with cursor, cursor.copy(f"COPY {table} ({', '.join(first)}) FROM STDIN") as copy:
        for chunk in encode_rows(row.values() for row in chain([first], remaining)):
            copy.write(chunk)
