"""Variants in our own CSV: a row for each."""

import io

import pytest

from eggypro_adapters.files import read_products
from eggypro_adapters.files.own_csv import row_groups
from eggypro_core.domain.product_files import ImportEntry

HEADER = "slug,name,sku,price,stock_quantity,track_stock,options,image,position\n"


def read(text: str) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(text.encode())).entries)


def error_messages(text: str) -> list[str]:
    return [error.message for entry in read(text) for error in entry.errors]


def test_rows_with_options_are_variants_of_the_product_with_the_slug() -> None:
    (entry,) = read(
        f"{HEADER}egg,Egg,E,9,,,,,\n"
        "egg,,E-1,9,3,yes,Size=1 kg | Flavour=Vanilla,https://x.y/1.jpg,0\n"
        'egg,,,8.50,,,"{""Size"": ""2 kg""}",,\n'
    )
    assert (entry.line, entry.variant_lines, entry.errors) == (2, (3, 4), ())
    assert entry.values == {
        "slug": "egg",
        "name": "Egg",
        "sku": "E",
        "price": "9",
        "variants": [
            {
                "sku": "E-1",
                "price": "9",
                "stock_quantity": 3,
                "track_stock": True,
                "options": {"Size": "1 kg", "Flavour": "Vanilla"},
                "image": "https://x.y/1.jpg",
                "position": 0,
            },
            {"sku": None, "price": "8.50", "options": {"Size": "2 kg"}, "image": None},
        ],
    }


def test_rows_of_a_product_need_not_be_adjacent() -> None:
    egg, ham = read("slug,price,options\negg,1,Size=S\nham,2,\negg,3,Size=M\negg,,\nham,4,Size=S\n")
    assert (egg.line, egg.variant_lines) == (5, (2, 4))
    assert (ham.line, ham.variant_lines) == (3, (6,))
    assert ham.values == {
        "slug": "ham",
        "price": "2",
        "variants": [{"price": "4", "options": {"Size": "S"}}],
    }


def test_variant_rows_alone_say_nothing_about_the_product() -> None:
    (entry,) = read("slug,sku,price,description,options\negg,E-1,,,Size=S\negg,E-2,2,,Size=M\n")
    assert entry.values == {
        "slug": "egg",
        "variants": [
            {"sku": "E-1", "options": {"Size": "S"}},
            {"sku": "E-2", "price": "2", "options": {"Size": "M"}},
        ],
    }


def test_variant_rows_may_repeat_the_values_of_their_product() -> None:
    (entry,) = read("slug,name,price,options\negg,Egg,1,Size=S\negg,Egg,2,Size=M\n")
    assert entry.warnings == ()
    assert entry.values is not None
    assert (entry.values["slug"], entry.values["name"]) == ("egg", "Egg")
    assert "price" not in entry.values


def test_rows_without_slug_are_grouped_by_name() -> None:
    (entry,) = read("name,price,options\nEgg,1,\n Egg ,2,Size=S\n")
    assert entry.values == {
        "name": "Egg",
        "price": "1",
        "variants": [{"price": "2", "options": {"Size": "S"}}],
    }


def test_other_values_in_the_wrong_kind_of_row_are_reported() -> None:
    product, last = read("slug,name,price,options,image\negg,Egg,1,,a.jpg\negg,Yolk,2,Size=S,\n")
    assert product.errors == ()
    assert [warning.message for warning in last.warnings] == [
        "Column 'image (in rows of products)' has values in 1 row (such as 'a.jpg'): ignored",
        "Column 'name (in rows of variants)' has values in 1 row (such as 'Yolk'): ignored",
    ]


def test_repeated_rows_count_once() -> None:
    (entry,) = read("slug,price,options\negg,1,\negg,2,Size=S\negg,2,Size=S\negg,1,\n")
    assert [(warning.line, warning.message) for warning in entry.warnings] == [
        (4, "The row repeats line 3: ignored"),
        (5, "The row repeats line 2: ignored"),
    ]
    assert entry.variant_lines == (3,)


def test_another_row_of_the_same_product_is_an_entry_of_its_own() -> None:
    first, second = read("slug,price,options\negg,1,\negg,2,Size=S\negg,5,\n")
    assert (first.line, second.line) == (2, 4)
    assert second.values == {"slug": "egg", "price": "5"}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "egg,,2,Size=S | Colour=Red,\negg,,3,Colour=Red|Size=  S,\n",
            "Lines 2 and 3 are variants with the same options: Colour Red, Size S",
        ),
        (",,2,Size=S,\n", "The variant has no slug: repeat the slug of its product in this row"),
        (
            'egg,,1,,"[{""options"": {""Size"": ""S""}}]"\negg,,2,Size=S,\n',
            row_groups.TWO_KINDS_OF_VARIANTS,
        ),
    ],
)
def test_contradictions_are_errors(rows: str, message: str) -> None:
    assert error_messages(f"slug,name,price,options,variants\n{rows}") == [message]


def test_error_of_a_cell_names_line_column_and_value() -> None:
    (entry,) = read("Slug,Price,Options\negg,1,\negg,1-2,Size=S\n")
    [error] = entry.errors
    assert (error.line, error.column, error.value) == (3, "Price", "1-2")


def test_json_variants_are_read_beside_an_options_column() -> None:
    (entry,) = read('slug,options,variants\negg,,"[{""options"": {""Size"": ""S""}}]"\n')
    assert entry.values == {"slug": "egg", "variants": [{"options": {"Size": "S"}}]}


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("<p>A <b>mug</b> &amp; more</p>", "A mug & more"),
        ("<P>One</P><P>Two<br/>Three</P>", "One\n\nTwo\nThree"),
        ("Salt &amp; pepper\n\n\nfor 2 < 3", "Salt & pepper\n\n\nfor 2 < 3"),
        ("a <pure> text\n  with  spaces", "a <pure> text\n  with  spaces"),
    ],
)
def test_html_in_a_description_becomes_text(text: str, description: str) -> None:
    (entry,) = read(f'slug,description\negg,"{text}"\n')
    assert entry.values == {"slug": "egg", "description": description}
    (entry,) = read(f'slug,description,category_details\negg,"{text}",\n')
    assert entry.values == {"slug": "egg", "description": text, "category_details": []}
