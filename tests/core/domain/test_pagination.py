"""The cursor: it leads on in its own list, and is told from everything else."""

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
    integer_key,
)
from eggypro_core.errors import FieldError, ParseError, ValidationError
from eggypro_core.validation import fields

positions = st.builds(CursorPosition, st.text(), st.integers(0, MAX_ID))


def encode(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def forge_cursor(key: str, row: int, bound_to: str) -> str:
    """A cursor of one who knows how it is sealed."""
    seal = sha256(json.dumps([bound_to, key, row]).encode()).hexdigest()[:12]
    return encode(json.dumps([seal, key, row], separators=(",", ":")))


@given(positions, st.text())
def test_a_cursor_gives_back_the_position_it_was_made_of(position: CursorPosition, of: str) -> None:
    assert decode_cursor(encode_cursor(position, of), of) == position


@given(positions)
def test_a_cursor_can_stand_in_an_address(position: CursorPosition) -> None:
    cursor = encode_cursor(position, "list")
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@given(positions, st.text(), st.text())
def test_a_cursor_of_another_list_is_refused(position: CursorPosition, of: str, other: str) -> None:
    if of == other:
        return
    with pytest.raises(ParseError):
        decode_cursor(encode_cursor(position, of), other)


@given(positions, st.data())
def test_a_mended_cursor_is_refused(position: CursorPosition, data: st.DataObject) -> None:
    cursor = encode_cursor(position, "list")
    at = data.draw(st.integers(0, len(cursor)))
    end = data.draw(st.integers(at, len(cursor)))
    mended = cursor[:at] + data.draw(st.text("ab_-=+/ 0é", max_size=3)) + cursor[end:]
    if mended == cursor:
        return
    with pytest.raises(ParseError):
        decode_cursor(mended, "list")


@given(st.text() | st.text("abcdefWyJ0MDk-_=", max_size=90) | st.binary().map(repr))
@example("")
@example("====")
@example("é")
@example("\ud800")
@example("\0")
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
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
def test_no_json_is_taken_for_a_cursor(value: object) -> None:
    with pytest.raises(ParseError):
        decode_cursor(encode(json.dumps(value)), "list")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 100_000 + "]" * 100_000, f'["a","b",{"9" * 5000}]', '["a","b",1e999]'],
    ids=["open", "deep", "long", "infinite"],
)
def test_a_huge_cursor_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        decode_cursor(encode(text), "list")


@pytest.mark.parametrize("row", [-1, MAX_ID + 1, 10**30])
def test_a_cursor_of_a_row_that_no_store_can_have_is_refused(row: int) -> None:
    assert decode_cursor(forge_cursor("key", 1, "list"), "list") == CursorPosition("key", 1)
    with pytest.raises(ParseError):
        decode_cursor(forge_cursor("key", row, "list"), "list")


@pytest.mark.parametrize(
    "text", ['["{seal}", "key", 1]', '["{seal}","key",1.0]', '["{seal}","k\\u0065y",1]']
)
def test_a_cursor_is_taken_only_as_it_was_written(text: str) -> None:
    seal, _, _ = json.loads(
        base64.urlsafe_b64decode(encode_cursor(CursorPosition("key", 1), "list") + "==")
    )
    with pytest.raises(ParseError):
        decode_cursor(encode(text.format(seal=seal)), "list")


@given(st.text(), st.integers())
def test_a_forged_cursor_is_read_or_refused(key: str, row: int) -> None:
    with suppress(ParseError):
        assert decode_cursor(forge_cursor(key, row, "list"), "list") == CursorPosition(key, row)


@frozen
class Letter:
    id: int
    weight: int


@frozen(kw_only=True)
class LetterQuery(ListQuery[Letter, int]):
    """All that a list of another noun needs: its filters, and what it is sorted by."""

    parameters: ClassVar[Parameters] = {"town": fields.single_line("Town", 10), **PAGE_PARAMETERS}

    town: str | None = None

    def _sort_key(self, item: Letter) -> int:
        return item.weight

    def _parse_key(self, text: str) -> int:
        return integer_key(text)


class ParcelQuery(LetterQuery):
    """A list of another noun with the same filters."""


letters = st.lists(st.integers(0, 3), max_size=9).map(
    lambda weights: [Letter(n, weight) for n, weight in enumerate(sorted(weights), 1)]
)


def a_page(
    query: LetterQuery, rows: list[Letter], total: int | None = None
) -> Page[Letter, LetterQuery]:
    start = query.start_key() if query.after else (-1, 0)
    rest = [row for row in rows if (row.weight, row.id) > start][query.offset :]
    return Page.of(
        query,
        rest[: query.limit + 1],
        total=len(rows) if total is None else total,
        item_of=lambda row: row,
    )


@given(letters, st.integers(1, 4), st.integers(0, 3))
def test_following_next_shows_each_row_behind_the_offset_once(
    rows: list[Letter], limit: int, offset: int
) -> None:
    query: LetterQuery | None = LetterQuery(limit=limit, offset=offset)
    seen: list[Letter] = []
    while query is not None:
        page = a_page(LetterQuery.parse(query.params()), rows)
        assert page.total == len(rows)
        seen += page.items
        query = page.next_query
    assert seen == rows[offset:]


@pytest.mark.parametrize(
    ("total", "shown", "capped"),
    [
        (MAX_EXACT_TOTAL - 1, MAX_EXACT_TOTAL - 1, False),
        (MAX_EXACT_TOTAL, MAX_EXACT_TOTAL, False),
        (MAX_EXACT_TOTAL + 1, MAX_EXACT_TOTAL, True),
        (MAX_EXACT_TOTAL * 2, MAX_EXACT_TOTAL, True),
    ],
)
def test_totals_are_exact_up_to_a_limit(total: int, shown: int, *, capped: bool) -> None:
    page = a_page(LetterQuery(), [], total)
    assert (page.total, page.total_capped) == (shown, capped)


def test_a_query_shows_its_parameters_that_are_not_default() -> None:
    assert LetterQuery(limit=20, offset=0).params() == {}
    query = LetterQuery(town="Ulm", limit=7, offset=2)
    assert query.params() == {"town": "Ulm", "limit": "7", "offset": "2"}
    assert LetterQuery.parse(query.params()) == query


def test_a_cursor_is_bound_to_the_noun_and_its_filters_and_not_to_the_page() -> None:
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
def test_a_cursor_whose_key_no_row_has_is_refused(key: str) -> None:
    with pytest.raises(ParseError):
        LetterQuery.parse(LetterQuery(after=CursorPosition(key, 1)).params())


def test_an_offset_is_refused_beside_a_cursor_whatever_the_two_are() -> None:
    with pytest.raises(ValidationError) as refused:
        LetterQuery.parse({"offset": "0", "cursor": "x"})
    assert refused.value.errors == (
        FieldError("offset", "Offset cannot be given together with a cursor"),
    )
