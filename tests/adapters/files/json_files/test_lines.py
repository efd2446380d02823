import io
import json
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.serializers import ProductSerializer
from tests.support.builders import make_full_shop, product_values


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="jsonl").entries)


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
        ("[1]", "The value is not a JSON object"),
        ('"x"', "The line is not a JSON object"),
        ('{"name": }', "Invalid JSON"),
        ('{"name": "a"} {', "Invalid JSON"),
        ('{"name": "a\x01"}', "Invalid JSON"),
        ('{"name": 1, "price": 2, "name": 3}', "The name 'name' appears twice in the JSON"),
        ('{"attributes": {"a": "1", "a": "2"}}', "The name 'a' appears twice in the JSON"),
        ('{"name": ' + "[" * 100_000, "The JSON is nested too deeply"),
        ('{"price": ' + "1" * 5000 + "}", "A number in the JSON is too long"),
        ('{"price": 1e99999999999999999999}', "A number in the JSON is too long"),
    ],
)
def test_line_that_is_not_a_valid_object_is_an_error(line: str, sentence: str) -> None:
    assert error_message(line).startswith(sentence)


def test_nan_is_no_value() -> None:
    assert read('{"name": "Egg", "price": NaN, "sku": -Infinity}') == [
        ImportEntry(1, {"name": "Egg", "price": None, "sku": None})
    ]


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("price", "$1,234.50", "1234.50"),
        ("tags", "egg, fresh", ["egg", "fresh"]),
        ("images", "https://a/1.jpg", [{"ref": "https://a/1.jpg", "alt": None}]),
        ("categories", "Food > Eggs", [["Food", "Eggs"]]),
        ("categories", ["Food & Drink", "eggs"], [["Food & Drink"], "eggs"]),
        ("images", [{"src": "a/1.jpg", "alt": "x"}], [{"ref": "a/1.jpg", "alt": "x"}]),
        ("is_active", "yes", True),
    ],
)  # fmt: skip
def test_values_of_other_programs_are_converted(field: str, text: object, value: object) -> None:
    (entry,) = read(json.dumps({"name": "Egg", field: text}))
    assert entry.values == {"name": "Egg", field: value}


def test_categories_of_foreign_objects_are_names() -> None:
    record = {"name": "Egg", "colour": "", "categories": ["eggs", {"id": 4, "name": "Fresh"}]}
    (entry,) = read(json.dumps(record))
    assert entry.values == {"name": "Egg", "categories": [["eggs"], ["Fresh"]]}


@pytest.mark.parametrize(
    "attributes",
    [
        {"Size": ["S", "M"], "Pieces": 6, "Vegan": True},
        [
            {"id": 1, "name": "Size", "options": ["S", "M"]},
            {"name": "Pieces", "value": 6},
            {"name": "Vegan", "value": True},
        ],
    ],
)
def test_attributes_of_foreign_objects_become_texts(attributes: object) -> None:
    entry, _ = read(json.dumps({"name": "Egg", "colour": "red", "attributes": attributes}))
    assert entry.values
    assert entry.values["attributes"] == {"Size": "S, M", "Pieces": "6", "Vegan": "true"}


def test_several_prices_in_one_value_are_an_error() -> None:
    (entry,) = read('{"name": "Egg", "price": "$12 - $34"}')
    assert (entry.values, entry.errors[0].field) == (None, "price")
    assert "is not a single price" in entry.errors[0].message


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
        ImportEntry(1, {"variants": [{"options": {"Size": "S"}, "price": Decimal("2.50")}]})
    ]


def test_product_with_truncated_variants_is_an_error() -> None:
    (entry,) = read('{"name": "Egg", "variants": [{}], "variant_count": 2}')
    assert [error.field for error in entry.errors] == ["variants"]
    for variants, count in (("[{}]", "1"), ("[]", "0"), ("[]", "2"), ("[{}]", '"2"')):
        line = f'{{"name": "Egg", "variants": {variants}, "variant_count": {count}}}'
        assert read(line)[0].errors == ()


def test_unknown_fields_are_one_warning_each() -> None:
    *products, last = read(
        '{"name": "Egg", "colour": 1, "b\\u0000": 2, "none": null}\n{"name": "Ham", "colour": 3}\n'
        '{"name": "Tea", "variants": [{"options": {"Size": "S"}, "in_stock": true}],'
        ' "images": [{"ref": "https://x.y/1.jpg", "width": 5}], "attribute_edits": {"a": null}}'
    )
    assert [entry.values for entry in products] == [
        {"name": "Egg"},
        {"name": "Ham"},
        {
            "name": "Tea",
            "variants": [{"options": {"Size": "S"}}],
            "images": [{"ref": "https://x.y/1.jpg"}],
        },
    ]
    assert [(warning.column, warning.line) for warning in last.warnings] == [
        ("colour", 1),
        ("b\ufffd", 1),
        ("attribute_edits", 3),
        ("variants.in_stock", 3),
        ("images.width", 3),
    ]
    assert last.warnings[0].message == (
        "Column 'colour' has values in 2 rows (such as '1'): ignored"
    )


def test_body_of_the_api_keeps_the_alt_texts_of_images() -> None:
    shop = make_full_shop()
    image = {"ref": "https://x.y/1.jpg", "alt": "A tin"}
    shop.products.create(product_values(name="Bar", images=[image]))
    serializer = ProductSerializer.of(shop)
    products = [shop.products.get(slug) for slug in ("egg-white-protein", "bar")]
    bodies = [serializer.product(product) for product in products]
    bodies += [serializer.listed_product(product) for product in products]
    entries = read("\n".join(json.dumps(body) for body in bodies))
    assert [(entry.errors, entry.warnings) for entry in entries] == [((), ())] * 4
    assert [entry.values and entry.values["images"] for entry in entries] == [
        [],
        [image],
        [],
        ["https://x.y/1.jpg"],
    ]


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({}, "A mug & more"),
        ({"category_details": []}, "<p>A <b>mug</b> &amp; more</p>"),
        ({"image_sets": []}, "<p>A <b>mug</b> &amp; more</p>"),
    ],
)
def test_html_in_a_description_becomes_text_unless_it_comes_from_here(
    fields: dict[str, object], description: str
) -> None:
    (entry,) = read(json.dumps({"description": "<p>A <b>mug</b> &amp; more</p>", **fields}))
    assert entry.values is not None
    assert entry.values["description"] == description


def test_line_numbers_count_blank_lines() -> None:
    entries = read('\n{"name": "Egg"}\r\n\r\n   \n{"name": "Ham"}')
    assert [entry.line for entry in entries] == [2, 5]


def test_line_after_a_too_long_line_is_read() -> None:
    entries = read('{"name": "' + "x" * (9 * 1024 * 1024) + '"}\n{"name": "Ham"}\n')
    assert entries[0].errors == (
        ImportMessage(1, "", "The line is longer than 4,194,304 characters"),
    )
    assert entries[1] == ImportEntry(2, {"name": "Ham"})


def test_too_long_line_is_one_error_when_members_are_mapped() -> None:
    text = '{"t": "' + "x" * (9 * 1024 * 1024) + '"}\n{"t": "Ham"}\n'
    file = read_products(io.BytesIO(text.encode()), mapping={"name": "t"})
    first, second = file.entries
    assert first.errors == (ImportMessage(1, "", "The line is longer than 4,194,304 characters"),)
    assert second == ImportEntry(2, {"name": "Ham"})


def test_undecodable_line_is_an_error() -> None:
    data = b'\xef\xbb\xbf{"name": "Egg"}\n{"name": "\xff"}\n{"name": "Ham"}\n'
    entries = list(read_products(io.BytesIO(data)).entries)
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


FIELDS = st.sampled_from(
    [
        "name",
        "slug",
        "sku",
        "gtin",
        "brand",
        "details",
        "attributes",
        "seo_title",
        "seo_description",
    ]
)
"""Fields whose values are never converted."""


@given(st.lists(st.dictionaries(FIELDS, VALUES), min_size=1))
@example([{"gtin": []}])  # not the products of a category
def test_json_round_trip(products: list[dict[str, object]]) -> None:
    text = "\n".join(map(json.dumps, products))
    assert [entry.values for entry in read(text)] == products


@given(st.lists(st.dictionaries(FIELDS, st.text()), min_size=1))
def test_unescaped_json_round_trip(products: list[dict[str, object]]) -> None:
    text = "\n".join(json.dumps(product, ensure_ascii=False) for product in products)
    assert [entry.values for entry in read(text)] == products


@given(st.binary())
def test_any_bytes_yield_entries_or_errors(data: bytes) -> None:
    lines = len(data.splitlines()) + 1
    entries = list(read_products(io.BytesIO(b"{" + data)).entries)
    assert entries
    for entry in entries:
        assert 1 <= entry.line <= lines
        assert (entry.values is None) == bool(entry.errors or entry.warnings)
