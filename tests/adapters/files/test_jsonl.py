import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="jsonl"))


def error_message(line: str) -> str:
    (entry,) = read(line)
    assert entry.values is None
    ((field, message),) = [(error.field, error.message) for error in entry.errors]
    assert field == ""
    return message


def test_every_writable_field_is_read() -> None:
    values = dict.fromkeys(FIELD_PARSERS, "x")
    assert read(json.dumps(values)) == [ImportEntry(1, values)]


def test_numbers_are_read_exactly() -> None:
    (entry,) = read('{"price": 24.990, "compare_at_price": 1e2, "stock_quantity": 5}')
    assert entry.values == {
        "price": Decimal("24.990"),
        "compare_at_price": Decimal("1E+2"),
        "stock_quantity": 5,
    }


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[1]", "The line is not a JSON object"),
        ('"x"', "The line is not a JSON object"),
        ('{"name": }', "Invalid JSON"),
        ('{"name": "a"} {', "Invalid JSON"),
        ('{"name": "a\x01"}', "Invalid JSON"),
        ('{"price": NaN}', "NaN is not a valid JSON number"),
        ('{"price": -Infinity}', "-Infinity is not a valid JSON number"),
        ('{"name": 1, "price": 2, "name": 3}', "The name 'name' appears twice in the JSON"),
        ('{"attributes": {"a": "1", "a": "2"}}', "The name 'a' appears twice in the JSON"),
        ('{"name": ' + "[" * 100_000, "The JSON is nested too deeply"),
        ('{"price": ' + "1" * 5000 + "}", "A number in the JSON is too long"),
        ('{"price": 1e99999999999999999999}', "A number in the JSON is too long"),
    ],
)
def test_line_that_is_not_a_valid_object_is_an_error(line: str, sentence: str) -> None:
    assert error_message(line).startswith(sentence)


def test_read_only_fields_are_ignored() -> None:
    line = (
        '{"id": 1, "version": 1, "currency": "EUR", "image_sets": [], "created_at": "", '
        '"name": "Egg", "updated_at": "", '
        '"variant_count": 0, "rating": 5}'
    )
    assert read(line) == [ImportEntry(1, {"name": "Egg"})]


def test_numbers_of_variants_are_read_exactly() -> None:
    line = '{"variants": [{"id": 7, "options": {"Size": "S"}, "price": 2.50}]}'
    assert read(line) == [
        ImportEntry(
            1, {"variants": [{"id": 7, "options": {"Size": "S"}, "price": Decimal("2.50")}]}
        )
    ]


def test_product_with_truncated_variants_is_an_error() -> None:
    (entry,) = read('{"name": "Egg", "variants": [{}], "variant_count": 2}')
    assert [error.field for error in entry.errors] == ["variants"]
    for variants, count in (("[{}]", "1"), ("[]", "0"), ("[]", "2"), ("[{}]", '"2"')):
        line = f'{{"name": "Egg", "variants": {variants}, "variant_count": {count}}}'
        assert read(line)[0].errors == ()


def test_unknown_fields_are_errors() -> None:
    (entry,) = read('{"name": "Egg", "colour": 1, "b\\u0000": 2}')
    assert entry == ImportEntry(
        1, None, (FieldError("colour", "Unknown field"), FieldError("b\ufffd", "Unknown field"))
    )


def test_line_numbers_count_blank_lines() -> None:
    entries = read('\n{"name": "Egg"}\r\n\r\n   \n{"name": "Ham"}')
    assert [entry.line for entry in entries] == [2, 5]


def test_line_after_a_too_long_line_is_read() -> None:
    entries = read('{"name": "' + "x" * (9 * 1024 * 1024) + '"}\n{"name": "Ham"}\n')
    assert entries[0].errors == (FieldError("", "The line is longer than 4,194,304 characters"),)
    assert entries[1] == ImportEntry(2, {"name": "Ham"})


def test_undecodable_line_is_an_error() -> None:
    data = b'{"name": "Egg"}\n{"name": "\xff"}\n{"name": "Ham"}\n'
    entries = list(read_products(io.BytesIO(data)))
    assert [entry.line for entry in entries if entry.errors] == [2]
    assert len(entries) == 3


def test_escaped_surrogates_and_nul_are_read() -> None:
    (entry,) = read('{"name": "\\ud800\\u0000"}')
    assert entry.values == {"name": "\ud800\x00"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(sorted(FIELD_PARSERS)), VALUES), min_size=1))
def test_json_round_trip(products: list[dict[str, object]]) -> None:
    text = "\n".join(map(json.dumps, products))
    assert [entry.values for entry in read(text)] == products


@given(st.lists(st.dictionaries(st.sampled_from(sorted(FIELD_PARSERS)), st.text()), min_size=1))
def test_unescaped_json_round_trip(products: list[dict[str, object]]) -> None:
    text = "\n".join(json.dumps(product, ensure_ascii=False) for product in products)
    assert [entry.values for entry in read(text)] == products


@given(st.binary())
def test_any_bytes_yield_entries_or_errors(data: bytes) -> None:
    lines = len(data.splitlines()) + 1
    entries = list(read_products(io.BytesIO(b"{" + data)))
    assert entries
    for entry in entries:
        assert 1 <= entry.line <= lines
        assert (entry.values is None) == bool(entry.errors)
