"""A difference between the tables in code and a database, as a sentence."""

from typing import Any


def describe_difference(difference: tuple[Any, ...]) -> str:
    """Return what Alembic found as an operator reads it."""
    what, *about = difference
    change, _, kind = what.partition("_")
    if change == "modify":
        _, table, column, _, there, here = about
        return f"The {kind} of {table}.{column} is {there!s} in the database, {here!s} in the code"
    whose = "The database lacks" if change == "add" else "The code does not know"
    return f"{whose} the {_describe_object(kind, about)}"


def _describe_object(kind: str, about: list[Any]) -> str:
    if kind == "column":
        return f"column {about[1]}.{about[2].name}"
    if kind == "table":
        return f"table {about[0].name}"
    name = about[0].name or f"on {', '.join(column.name for column in about[0].columns)}"
    return f"{_KINDS.get(kind, kind)} {name} of {about[0].table.name}"


_KINDS = {"fk": "foreign key", "table_comment": "comment"}
