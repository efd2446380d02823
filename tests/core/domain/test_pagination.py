"""Tests of list queries, pages and cursors."""

import base64
import json
from contextlib import suppress
from hashlib import sha256
from typing import ClassVar

import pytest
from attrs import evolve, frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eggypro_core.domain.pagination import (
    MAX_EXACT_TOTAL,
    MAX_ID,
    PAGE_PARAMETERS,
    CursorPosition,
    ListQuery,
    Page,
    Parameters,
    decode_cursor,
    encode_cursor,
    parse_integer_key,
)
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import fields

positions = st.builds(CursorPosition, st.text(), st.integers(0, MAX_ID))


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def forge_cursor(key: str, row_id: int, fingerprint: str) -> str:
    """Return a cursor with a valid checksum."""
    checksum = sha256(json.dumps([fingerprint, key, row_id]).encode()).hexdigest()[:12]
    return encode(json.dumps([checksum, key, row_id], separators=(",", ":")))


@given(positions, st.text())
def test_decoding_an_encoded_cursor_returns_its_position(
    position: CursorPosition, fingerprint: str
) -> None:
    assert decode_cursor(encode_cursor(position, fingerprint), fingerprint) == position


@given(positions)
def test_cursors_are_url_safe(position: CursorPosition) -> None:
    cursor = encode_cursor(position, "list")
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@given(positions, st.text(), st.text())
def test_cursor_of_another_list_is_rejected(
    position: CursorPosition, fingerprint: str, other: str
) -> None:
    if fingerprint == other:
        return
    with pytest.raises(ParseError):
        decode_cursor(encode_cursor(position, fingerprint), other)


@given(positions, st.data())
def test_altered_cursor_is_rejected(position: CursorPosition, data: st.DataObject) -> None:
    cursor = encode_cursor(position, "list")
    start = data.draw(st.integers(0, len(cursor)))
    end = data.draw(st.integers(start, len(cursor)))
    altered = cursor[:start] + data.draw(st.text("ab_-=+/ 0é", max_size=3)) + cursor[end:]
    if altered == cursor:
        return
    with pytest.raises(ParseError):
        decode_cursor(altered, "list")


@given(st.text() | st.text("abcdefWyJ0MDk-_=", max_size=90) | st.binary().map(repr))
@example("")
@example("====")
@example("é")
@example("\ud800")
@example("\0")
def test_arbitrary_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ParseError):
        decode_cursor(text, "list")


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=300)
@given(_values | st.lists(_values, min_size=3, max_size=3))
@example(["a", "b", float("inf")])
@example(["a", "b", float("nan")])
@example(["a", "b", True])
@example({"a": 1, "b": 2, "c": 3})
def test_arbitrary_json_is_no_cursor(value: object) -> None:
    with pytest.raises(ParseError):
        decode_cursor(encode(json.dumps(value)), "list")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 100_000 + "]" * 100_000, f'["a","b",{"9" * 5000}]', '["a","b",1e999]'],
    ids=["open", "deep", "long", "infinite"],
)
def test_oversized_cursor_is_rejected(text: str) -> None:
    with pytest.raises(ParseError):
        decode_cursor(encode(text), "list")


@pytest.mark.parametrize("row_id", [-1, MAX_ID + 1, 10**30])
def test_cursor_with_impossible_row_id_is_rejected(row_id: int) -> None:
    assert decode_cursor(forge_cursor("key", 1, "list"), "list") == CursorPosition("key", 1)
    with pytest.raises(ParseError):
        decode_cursor(forge_cursor("key", row_id, "list"), "list")


@pytest.mark.parametrize(
    "text", ['["{checksum}", "key", 1]', '["{checksum}","key",1.0]', '["{checksum}","k\\u0065y",1]']
)
def test_cursor_in_another_spelling_is_rejected(text: str) -> None:
    checksum, _, _ = json.loads(
        base64.urlsafe_b64decode(encode_cursor(CursorPosition("key", 1), "list") + "==")
    )
    with pytest.raises(ParseError):
        decode_cursor(encode(text.format(checksum=checksum)), "list")


@given(st.text(), st.integers())
def test_forged_cursor_is_decoded_or_rejected(key: str, row_id: int) -> None:
    with suppress(ParseError):
        assert decode_cursor(forge_cursor(key, row_id, "list"), "list") == CursorPosition(
            key, row_id
        )


@frozen
class Letter:
    id: int
    weight: int


@frozen(kw_only=True)
class LetterQuery(ListQuery[Letter, int]):
    """A minimal list query: a filter and a sort key."""

    parameters: ClassVar[Parameters] = {"town": fields.single_line("Town", 10), **PAGE_PARAMETERS}

    town: str | None = None

    def _sort_key(self, item: Letter) -> int:
        return item.weight

    def _parse_key(self, text: str) -> int:
        return parse_integer_key(text)


class ParcelQuery(LetterQuery):
    """Another list with the same filters."""


letters = st.lists(st.integers(0, 3), max_size=9).map(
    lambda weights: [Letter(n, weight) for n, weight in enumerate(sorted(weights), 1)]
)


def make_page(
    query: LetterQuery, rows: list[Letter], total: int | None = None
) -> Page[Letter, LetterQuery]:
    start = query.start_key() if query.after else (-1, 0)
    remaining = [row for row in rows if (row.weight, row.id) > start][query.offset :]
    return Page.from_rows(
        query,
        remaining[: query.limit + 1],
        total=len(rows) if total is None else total,
        item_of=lambda row: row,
    )


@given(letters, st.integers(1, 4), st.integers(0, 3))
def test_following_next_returns_each_row_once(rows: list[Letter], limit: int, offset: int) -> None:
    query: LetterQuery | None = LetterQuery(limit=limit, offset=offset)
    items: list[Letter] = []
    while query is not None:
        page = make_page(LetterQuery.parse(query.params()), rows)
        assert page.total == len(rows)
        items += page.items
        query = page.next_query
    assert items == rows[offset:]


@pytest.mark.parametrize(
    ("count", "total", "is_capped"),
    [
        (MAX_EXACT_TOTAL - 1, MAX_EXACT_TOTAL - 1, False),
        (MAX_EXACT_TOTAL, MAX_EXACT_TOTAL, False),
        (MAX_EXACT_TOTAL + 1, MAX_EXACT_TOTAL, True),
        (MAX_EXACT_TOTAL * 2, MAX_EXACT_TOTAL, True),
    ],
)
def test_totals_are_exact_up_to_a_maximum(count: int, total: int, *, is_capped: bool) -> None:
    page = make_page(LetterQuery(), [], count)
    assert (page.total, page.total_capped) == (total, is_capped)


def test_params_omit_defaults() -> None:
    assert LetterQuery(limit=20, offset=0).params() == {}
    query = LetterQuery(town="Ulm", limit=7, offset=2)
    assert query.params() == {"town": "Ulm", "limit": "7", "offset": "2"}
    assert LetterQuery.parse(query.params()) == query


def test_cursor_is_bound_to_list_and_filters_but_not_to_limit() -> None:
    query = LetterQuery(town="Ulm").after_item(Letter(7, 2))
    params = query.params()
    assert LetterQuery.parse(params | {"limit": "3"}) == evolve(query, limit=3)
    assert query.start_key() == (2, 7)
    with pytest.raises(ParseError):
        ParcelQuery.parse(params)
    for town in ({}, {"town": "Bonn"}):
        with pytest.raises(ParseError):
            LetterQuery.parse({"cursor": params["cursor"], **town})


@pytest.mark.parametrize("key", ["-1", str(MAX_ID + 1), "", "x"])
def test_cursor_with_impossible_key_is_rejected(key: str) -> None:
    with pytest.raises(ParseError):
        LetterQuery.parse(LetterQuery(after=CursorPosition(key, 1)).params())


def test_offset_with_cursor_is_rejected() -> None:
    with pytest.raises(ValidationError) as raised:
        LetterQuery.parse({"offset": "0", "cursor": "x"})
    assert raised.value.errors == (
        FieldError("offset", "Offset cannot be given together with a cursor"),
    )
