"""Rows in the text format of COPY, made by hand: a driver asks each value anew what it is."""

from collections.abc import Iterable, Iterator
from itertools import islice
from json import JSONEncoder
from typing import Any

TOGETHER = 64
"""Rows that are sent at once: Postgres stores them while the next ones are made."""
_json = JSONEncoder(ensure_ascii=False).encode


def copied(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Return rows as COPY takes them, a part at a time.

    They are of texts, numbers, booleans, times, lists of texts, and maps, which become JSON. Texts
    must be such as Postgres can store: without NUL and lone surrogates.
    """
    lines = map(_row, rows)
    while part := "".join(islice(lines, TOGETHER)):
        yield part


def escaped(text: str) -> str:
    """Return a text as it stands in such a row."""
    plain = text.replace("\\", "\\\\").replace("\t", "\\t")
    return plain.replace("\n", "\\n").replace("\r", "\\r")


def _row(values: Iterable[Any]) -> str:
    return "\t".join(map(_value, values)) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, str):
        return escaped(value)
    if value is None:
        return "\\N"
    if isinstance(value, list):
        return escaped(f"{{{','.join(map(_item, value))}}}")
    return escaped(_json(value)) if isinstance(value, dict) else str(value)


def _item(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
