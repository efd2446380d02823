import io
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products, text_lines
from eggypro_adapters.files.json_files import document
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import ParseError


def read(text: str, **mapping: str) -> list[ImportEntry]:
    file = read_products(io.BytesIO(text.encode()), mapping=mapping)
    assert file.format == "jsonl"
    return list(file.entries)


def test_array_is_read_with_the_lines_of_its_objects() -> None:
    assert read('[{"name": "Egg", "price": 1.10},\n{"name": "Ham"}\n,\n{"name": "Rye"}]\n') == [
        ImportEntry(1, {"name": "Egg", "price": Decimal("1.10")}),
        ImportEntry(2, {"name": "Ham"}),
        ImportEntry(4, {"name": "Rye"}),
    ]


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    "wrapper",
    [
        {"products": ...},
        {"items": ..., "total": 2},
        {"categories": [{"products": [7]}], "products": ...},
        {"count": 2, "next": None, "ok": True, 'a"b{': "[{", "data": ..., "links": [{"a": 1}]},
    ],
)
def test_list_within_an_object_is_read(wrapper: dict[str, object], indent: int | None) -> None:
    products = [{"name": "Egg", "attributes": {"a": "}]"}}, {"name": "Ham", "images": [{}]}]
    document = {name: products if item is ... else item for name, item in wrapper.items()}
    entries = read(json.dumps(document, indent=indent))
    assert [entry.values for entry in entries] == products


def test_list_may_begin_on_the_line_after_its_name() -> None:
    text = '{\n"categories":\n[\n7\n],\n"products":\n[\n{"name": "Egg"}\n]\n}'
    assert read(text) == [ImportEntry(8, {"name": "Egg"})]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "document",
    [
        {"categories": ["a", "b"], "products": ...},
        {"categories": [{"id": 1, "name": "a"}], "products": ..., "brands": [{"name": "b"}]},
        {"data": {"shop": {"name": "x"}, "products": ...}},
        {"Eggs": ..., "Ham & co": [], "More": [{"name": "Rye"}]},
    ],
)
def test_list_behind_other_members_is_read(document: dict[str, object], indent: int | None) -> None:
    text = json.dumps(document, indent=indent, default=lambda _: [{"name": "Egg"}])
    expected = ["Egg", "Rye"] if "More" in document else ["Egg"]
    assert [entry.values and entry.values["name"] for entry in read(text)] == expected


@pytest.mark.parametrize(
    ("record", "form", "name"),
    [
        ({"ID": 7, "Tipo": "simple", "Nome": "Ovo", "Preço": "13,5"}, "woocommerce", "Ovo"),
        ({"id": "7", "title": "Egg", "price": "13.5 EUR", "image_link": "https://a/1.jpg"},
         "google", "Egg"),
    ],
)  # fmt: skip
def test_objects_with_the_columns_of_a_table_are_read_like_it(
    record: dict[str, object], form: str, name: str
) -> None:
    file = read_products(io.BytesIO(json.dumps([record]).encode()))
    (entry,) = (entry for entry in file.entries if entry.values)
    assert entry.values
    assert (file.format, entry.values["name"], entry.values["price"]) == (form, name, "13.5")
    assert entry.source_id == "7"


def test_indented_object_is_read() -> None:
    assert read('\n{\n "name": "Egg",\n "attributes": {"a": "}"}\n}\n') == [
        ImportEntry(2, {"name": "Egg", "attributes": {"a": "}"}})
    ]


def test_indented_objects_one_after_the_other_are_read() -> None:
    entries = read('{\n"name": "Egg"\n}\n{\n"name": "Ham"\n}\n')
    assert [(entry.line, entry.values) for entry in entries] == [
        (1, {"name": "Egg"}),
        (4, {"name": "Ham"}),
    ]


@pytest.mark.parametrize("text", ["[]", " [\n]\n", '{"products": []}'])
def test_empty_list_has_no_products(text: str) -> None:
    assert read(text) == []


def test_invalid_object_does_not_affect_the_others() -> None:
    entries = read(
        '[{"name": "Egg"},\n{"name": },\n7, "x",\n{"name": "a", "name": "b"},\n{"name": "Rye"}]'
    )
    assert [(entry.line, entry.values is None) for entry in entries] == [
        (1, False), (2, True), (3, True), (4, True), (5, False),
    ]  # fmt: skip
    assert "Invalid JSON" in entries[1].errors[0].message
    assert entries[3].errors[0].message == "The name 'name' appears twice in the JSON"


@pytest.mark.parametrize(
    "text", ['[{"name": "Egg"}', '[{"name": "Egg"},{"na', '[{"name": "Egg"},{"name": "H\\']
)
def test_document_that_ends_too_early_is_an_error(text: str) -> None:
    first, last = read(text)
    assert first.values == {"name": "Egg"}
    assert "Invalid JSON" in last.errors[0].message


def test_object_after_a_too_long_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (text_lines, document):
        monkeypatch.setattr(module, "MAX_PIECE_LENGTH", 50)
    entries = read('[{"name": "' + 'x\\"' * 99 + '"}, {"name": "Ham"}]')
    assert entries[0].values is None
    assert entries[1].values == {"name": "Ham"}


def test_nesting_without_end_is_an_error() -> None:
    (entry,) = read('[{"name": ' + "[" * 100_000)
    assert entry.errors[0].message == "The JSON is nested too deeply"


def test_array_is_read_lazily() -> None:
    stream = io.BytesIO(b"[" + b'{"name": "Egg"},\n' * 1_000_000)
    next(read_products(stream).entries)
    assert stream.tell() < 1_000_000


def test_unknown_members_are_one_warning_each() -> None:
    *_, last = read('[{"name": "Egg", "colour": "red"}, {"name": "Ham", "colour": "pink"}]')
    message = "Column 'colour' has values in 2 rows (such as 'red'): ignored"
    assert last.warnings == (ImportMessage(1, "", message, "colour", "red"),)


@pytest.mark.parametrize(
    "text", ['[{"titel": "Egg", "preis": 9}]', '{"titel": "Egg", "preis": 9}\n{"titel": "Ham"}\n']
)
def test_objects_of_others_are_refused_with_options_or_mapped(text: str) -> None:
    with pytest.raises(ParseError) as error:
        read(text)
    assert "'titel', 'preis'" in str(error.value)
    assert str(error.value).endswith("--map name=titel --map price=preis")
    entry = read(text, name="titel", price="preis")[0]
    assert entry == ImportEntry(1, {"name": "Egg", "price": "9"})


def test_members_with_usual_names_in_other_case_need_no_mapping() -> None:
    egg, last = read('[{"Name": "Egg", "Price": "$2.00", "ImageLink": "https://a/1", "Size": 7}]')
    images = [{"ref": "https://a/1", "alt": None}]
    assert egg.values == {"name": "Egg", "price": "2.00", "images": images}
    assert last.warnings[0].column == "Size"


def test_title_beside_a_slug_is_no_name() -> None:
    with pytest.raises(ParseError, match="--map name=title --map slug=slug --map price=price"):
        read('[{"slug": "egg", "title": "Egg", "price": "2"}]')


def test_members_of_any_type_are_mapped() -> None:
    (entry,) = read(
        '[{"t": "Egg", "p": 9.50, "s": null, "on": false, "labels": ["a", "b"], "size": {"x": 1}}]',
        name="t", price="p", sku="s", is_active="on", tags="labels", **{"attribute.Size": "size"},
    )  # fmt: skip
    assert entry.values == {
        "name": "Egg",
        "price": "9.50",
        "sku": None,
        "is_active": False,
        "tags": ["a", "b"],
        "attribute_edits": {"Size": '{"x": 1}'},
    }


PRODUCTS = st.lists(
    st.fixed_dictionaries(
        {"name": st.text()},
        optional={
            "description": st.text(st.sampled_from('\\"{}[],: \n')),
            "attributes": st.dictionaries(st.text(), st.text(), max_size=3),
            "images": st.lists(st.text(), max_size=3),
        },
    ),
    min_size=1,
    max_size=5,
)


@given(PRODUCTS, st.sampled_from([None, 0, 2]), st.booleans(), st.booleans())
def test_json_round_trip(
    products: list[dict[str, object]],
    indent: int | None,
    is_ascii: bool,  # noqa: FBT001
    is_wrapped: bool,  # noqa: FBT001
) -> None:
    document = {"products": products} if is_wrapped else products
    text = json.dumps(document, indent=indent, ensure_ascii=is_ascii)
    assert [entry.values for entry in read(text)] == products


@given(PRODUCTS, st.integers(2, 30))
def test_pieces_of_a_long_line_are_joined(products: list[dict[str, object]], size: int) -> None:
    text = json.dumps(products)
    splitter = document._Splitter(is_list=True)
    pieces = [text[at : at + size] for at in range(1, len(text), size)]
    found = [element for piece in pieces for element in splitter.feed(piece, 1, is_complete=False)]
    assert [json.loads(element) for _, element in found] == products
    assert splitter.is_closed


@given(st.text('[]{}",:\\ \nname1', max_size=60))
def test_any_text_yields_entries_or_errors(text: str) -> None:
    try:
        entries = read("[" + text)
    except ParseError:
        return
    for entry in entries:
        assert 1 <= entry.line <= text.count("\n") + 1
