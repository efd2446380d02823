"""Differences between the tables in code and in a database, as sentences."""

from typing import Any

_REVISION = "Run `eggypro db revision`"
"""Advice for a difference between the code and a database that has all that migrations create."""


def describe_difference(difference: tuple[Any, ...]) -> str:
    """Return a difference of Alembic as a sentence for operators."""
    operation, *arguments = difference
    change, _, kind = operation.partition("_")
    if change == "modify":
        _, table, column, _, stored, declared = arguments
        values = f"{stored!s} in the database, {declared!s} in the code"
        return f"The {kind} of {table}.{column} is {values}. {_REVISION}"
    name = _describe_object(kind, arguments)
    if change == "add":
        return f"Missing in the migrations: {name}. {_REVISION}"
    return f"Missing in the code: {name}. Drop it, or add it to the code"


def _describe_object(kind: str, arguments: list[Any]) -> str:
    if kind == "column":
        return f"column {arguments[1]}.{arguments[2].name}"
    if kind == "table":
        return f"table {arguments[0].name}"
    item = arguments[0]
    name = item.name or f"on {', '.join(column.name for column in item.columns)}"
    return f"{_KINDS.get(kind, kind)} {name} of {item.table.name}"


_KINDS = {"fk": "foreign key", "table_comment": "comment"}
