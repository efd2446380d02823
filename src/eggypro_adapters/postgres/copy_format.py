"""Rows in the text format of COPY, made by hand: a driver asks each value anew what it is."""

from collections.abc import Iterable, Iterator
from itertools import islice
from json import JSONEncoder
from typing import Any

ROWS_PER_CHUNK = 64
"""Rows that are sent at once: Postgres stores them while the next ones are made."""
_json = JSONEncoder(ensure_ascii=False).encode


def encode_rows(rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Return rows as COPY takes them, a part at a time.

    They are of texts, numbers, booleans, times, lists of texts, and maps, which become JSON. Texts
    must be such as Postgres can store: without NUL and lone surrogates.
    """
    lines = map(_encode_row, rows)
    while part := "".join(islice(lines, ROWS_PER_CHUNK)):
        yield part


def escape_copy_text(text: str) -> str:
    """Return a text as it stands in such a row."""
    plain = text.replace("\\", "\\\\").replace("\t", "\\t")
    return plain.replace("\n", "\\n").replace("\r", "\\r")


def _encode_row(values: Iterable[Any]) -> str:
    return "\t".join(map(_encode_value, values)) + "\n"


def _encode_value(value: Any) -> str:
    if isinstance(value, str):
        return escape_copy_text(value)
    if value is None:
        return "\\N"
    if isinstance(value, list):
        return escape_copy_text(f"{{{','.join(map(_encode_item, value))}}}")
    return escape_copy_text(_json(value)) if isinstance(value, dict) else str(value)


def _encode_item(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
