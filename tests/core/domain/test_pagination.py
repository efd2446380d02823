"""The cursor: it leads on in its own list, and is told from everything else."""

import base64
import json
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eggypro_core.domain.pagination import HIGHEST_ID, Position, cursor_of, read_cursor
from eggypro_core.errors import MalformedError

positions = st.builds(Position, st.text(), st.integers(0, HIGHEST_ID))


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def forged(key: str, row: int, bound_to: str) -> str:
    """A cursor of one who knows how it is sealed."""
    seal = sha256(json.dumps([bound_to, key, row]).encode()).hexdigest()[:12]
    return encoded(json.dumps([seal, key, row], separators=(",", ":")))


@given(positions, st.text())
def test_a_cursor_gives_back_the_position_it_was_made_of(position: Position, of: str) -> None:
    assert read_cursor(cursor_of(position, of), of) == position


@given(positions)
def test_a_cursor_can_stand_in_an_address(position: Position) -> None:
    cursor = cursor_of(position, "list")
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()


@given(positions, st.text(), st.text())
def test_a_cursor_of_another_list_is_refused(position: Position, of: str, other: str) -> None:
    if of == other:
        return
    with pytest.raises(MalformedError):
        read_cursor(cursor_of(position, of), other)


@given(positions, st.data())
def test_a_mended_cursor_is_refused(position: Position, data: st.DataObject) -> None:
    cursor = cursor_of(position, "list")
    at = data.draw(st.integers(0, len(cursor)))
    end = data.draw(st.integers(at, len(cursor)))
    mended = cursor[:at] + data.draw(st.text("ab_-=+/ 0é", max_size=3)) + cursor[end:]
    if mended == cursor:
        return
    with pytest.raises(MalformedError):
        read_cursor(mended, "list")


@given(st.text() | st.text("abcdefWyJ0MDk-_=", max_size=90) | st.binary().map(repr))
@example("")
@example("====")
@example("é")
@example("\ud800")
@example("\0")
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(MalformedError):
        read_cursor(text, "list")


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
    with pytest.raises(MalformedError):
        read_cursor(encoded(json.dumps(value)), "list")


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "[" * 100_000 + "]" * 100_000, f'["a","b",{"9" * 5000}]', '["a","b",1e999]'],
    ids=["open", "deep", "long", "infinite"],
)
def test_a_huge_cursor_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        read_cursor(encoded(text), "list")


@pytest.mark.parametrize("row", [-1, HIGHEST_ID + 1, 10**30])
def test_a_cursor_of_a_row_that_no_store_can_have_is_refused(row: int) -> None:
    assert read_cursor(forged("key", 1, "list"), "list") == Position("key", 1)
    with pytest.raises(MalformedError):
        read_cursor(forged("key", row, "list"), "list")


@pytest.mark.parametrize(
    "text", ['["{seal}", "key", 1]', '["{seal}","key",1.0]', '["{seal}","k\\u0065y",1]']
)
def test_a_cursor_is_taken_only_as_it_was_written(text: str) -> None:
    seal, _, _ = json.loads(base64.urlsafe_b64decode(cursor_of(Position("key", 1), "list") + "=="))
    with pytest.raises(MalformedError):
        read_cursor(encoded(text.format(seal=seal)), "list")


@given(st.text(), st.integers())
def test_a_forged_cursor_is_read_or_refused(key: str, row: int) -> None:
    with suppress(MalformedError):
        assert read_cursor(forged(key, row, "list"), "list") == Position(key, row)
