import csv
import io
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files import read_products
from eggypro_core.domain.product_files import ImportEntry, ImportMessage
from eggypro_core.errors import ParseError


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode()), file_format="eggypro-csv").entries)


def cell(name: str, value: str) -> object:
    """Return the value of a cell."""
    (entry,) = read_rows([["name", name], ["Egg", value]])
    assert entry.values is not None, entry.errors
    return entry.values[name]


def error_message(name: str, value: str) -> str:
    (entry,) = read_rows([["name", name], ["Egg", value]])
    assert entry.values is None
    ((field, message),) = [(error.field, error.message) for error in entry.errors]
    assert field == name
    return message


def read_rows(rows: list[list[str]]) -> list[ImportEntry]:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return read(text.getvalue())


def test_header_requires_name_or_slug() -> None:
    with pytest.raises(ParseError, match="found 'price', 'sku'"):
        read("price,sku\n1,a\n")
    assert read("slug,price\negg,1\n") == [ImportEntry(2, {"slug": "egg", "price": "1"})]


@pytest.mark.parametrize("name", ["sku", "compare_at_price", "seo_title", "seo_description"])
def test_blank_cell_clears_an_optional_field(name: str) -> None:
    assert cell(name, "  ") is None


@pytest.mark.parametrize("name", ["description", "details"])
def test_blank_text_is_read_as_empty(name: str) -> None:
    assert cell(name, "") == ""


def test_blank_name_and_price_are_left_to_their_validators() -> None:
    assert read("name,price,sku\n,,x\n")[0].values == {"name": "", "price": None, "sku": "x"}


@pytest.mark.parametrize("name", ["slug", "stock_quantity", "track_stock", "is_active"])
def test_blank_cell_omits_these_fields(name: str) -> None:
    (entry,) = read(f"name,{name}\nEgg, \n")
    assert entry.values == {"name": "Egg"}


@pytest.mark.parametrize("name", ["ingredients", "images"])
def test_lists(name: str) -> None:
    assert cell(name, "") == []
    assert cell(name, "salt") == ["salt"]
    assert cell(name, " salt | milk,fat || ") == ["salt", "milk,fat"]
    assert cell(name, ' ["a|b", {"ref": "c"}] ') == ["a|b", {"ref": "c"}]
    assert error_message(name, "[1,").startswith("Invalid JSON")


def test_attributes() -> None:
    assert cell("attributes", "") == {}
    assert cell("attributes", "Vendor=X | Note = a=b|") == {"Vendor": "X", "Note": "a=b"}
    assert cell("attributes", '{"a|b": "c"}') == {"a|b": "c"}
    assert cell("attributes", '{"n": 1.50}') == {"n": Decimal("1.50")}
    assert "name=value" in error_message("attributes", "Vendor")
    assert error_message("attributes", "a=1|a=2") == (
        "Attribute 'a' appears twice: attribute names must be unique"
    )
    assert (
        error_message("attributes", '{"a": 1, "a": 2}') == "The name 'a' appears twice in the JSON"
    )


def test_variants() -> None:
    assert cell("variants", " ") == []
    text = ' [{"options": {"Size": "S"}, "price": "2.50"}] '
    assert cell("variants", text) == [{"options": {"Size": "S"}, "price": "2.50"}]
    assert error_message("variants", "S | M") == "Write variants as a JSON list of objects"
    assert error_message("variants", "[{").startswith("Invalid JSON")


@pytest.mark.parametrize("text", ["true", "TRUE", " Yes ", "1"])
def test_cell_values_of_true(text: str) -> None:
    assert cell("is_active", text) is True


@pytest.mark.parametrize("text", ["false", "False", "no", "0"])
def test_cell_values_of_false(text: str) -> None:
    assert cell("track_stock", text) is False


def test_other_boolean_texts_are_left_to_their_validator() -> None:
    assert cell("is_active", "maybe") == "maybe"


def test_integers() -> None:
    assert cell("stock_quantity", " 12 ") == 12
    assert cell("stock_quantity", "12.00") == 12
    assert cell("stock_quantity", "'-3") == -3
    assert cell("stock_quantity", "1.5") == "1.5"
    assert cell("stock_quantity", "9" * 5000) == "9" * 5000
    assert cell("stock_quantity", "many") == "many"


@pytest.mark.parametrize("text", ["24.99", "24", "0", "-1", "1234.5678", "free"])
def test_prices_are_read_as_text(text: str) -> None:
    assert cell("price", f" {text} ") == text
    assert cell("compare_at_price", text) == text


@pytest.mark.parametrize("text", ["24,99", "€ 24.99", "24.99 EUR"])
@pytest.mark.parametrize("name", ["price", "compare_at_price"])
def test_prices_in_other_notations_are_read(name: str, text: str) -> None:
    assert cell(name, text) == "24.99"


@pytest.mark.parametrize("name", ["price", "compare_at_price"])
def test_several_prices_in_a_cell_are_an_error(name: str) -> None:
    assert error_message(name, "9-12") == "'9-12' is not a single price: write one, like 1234.50"


@pytest.mark.parametrize("sign", "=+-@")
def test_apostrophe_before_a_formula_is_removed(sign: str) -> None:
    assert cell("description", f"'{sign}1") == f"{sign}1"
    assert cell("description", f"{sign}1") == f"{sign}1"
    assert cell("description", f"''{sign}1") == f"'{sign}1"


def test_other_apostrophes_are_preserved() -> None:
    assert cell("description", "'tis") == "'tis"


def test_all_errors_of_a_row_have_its_line() -> None:
    (entry,) = read('name,price,attributes\n"E\ng","1-5",x\n')
    assert entry.line == 2
    assert entry.errors == (
        ImportMessage(2, "price", entry.errors[0].message, column="price", value="1-5"),
        ImportMessage(2, "attributes", entry.errors[1].message, column="attributes", value="x"),
    )


def test_read_only_columns_are_ignored_and_unknown_ones_reported() -> None:
    product, last = read("id,name,created_at,colour\n1,Egg,x,y\n")
    assert product == ImportEntry(2, {"name": "Egg"})
    message = "Column 'colour' has values in 1 row (such as 'y'): ignored"
    assert last == ImportEntry(
        1, None, warnings=(ImportMessage(2, "", message, column="colour", value="y"),)
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"])).filter(
    lambda text: not text.startswith("'")
)
NAMED = TEXT.filter(str.strip)


@given(
    st.lists(st.tuples(NAMED, TEXT, TEXT, NAMED), min_size=1),
    st.permutations(["name", "description", "details", "sku"]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_csv_round_trip(
    rows: list[tuple[str, ...]],
    order: list[str],
    delimiter: str,
    lines: tuple[str, Literal[0, 1]],
    encoding: str,
) -> None:
    products = [
        dict(zip(("name", "description", "details", "sku"), row, strict=True)) for row in rows
    ]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text, order, delimiter=delimiter, lineterminator=lines[0], quoting=lines[1]
    )
    writer.writeheader()
    writer.writerows(products)
    entries = list(read_products(io.BytesIO(text.getvalue().encode(encoding))).entries)
    assert [entry.values for entry in entries] == products


@given(st.binary())
def test_any_bytes_yield_entries_or_errors(data: bytes) -> None:
    rows = b"name,price,description\nEgg,2,\n" + data
    first, *rest = read_products(io.BytesIO(rows)).entries
    assert (first.line, first.values and first.values["name"]) == (2, "Egg")
    for entry in rest:
        assert entry.line > 2
        assert (entry.values is None) == bool(entry.errors or entry.warnings)


def test_categories_and_category_details() -> None:
    assert cell("categories", "food | bars") == ["food", "bars"]
    assert cell("categories", '["food"]') == ["food"]
    assert cell("categories", " ") == []
    assert cell("category_details", '[{"slug": "food"}]') == [{"slug": "food"}]
    assert error_message("category_details", "food") == (
        "Write category details as a JSON list of objects"
    )
