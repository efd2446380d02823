import io
from collections.abc import Mapping

import pytest

from eggypro_adapters.files import read_products
from eggypro_core.domain.product_files import ImportEntry, ImportFile, ImportMessage
from eggypro_core.errors import ParseError, ValidationError
from tests.support.workbooks import workbook


def open_file(text: str | bytes, mapping: Mapping[str, str]) -> ImportFile:
    data = text if isinstance(text, bytes) else text.encode()
    return read_products(io.BytesIO(data), mapping=mapping)


def read(text: str | bytes, **mapping: str) -> list[ImportEntry]:
    return list(open_file(text, mapping).entries)


def value(field: str, cell: str, column: str = "X", delimiter: str = "|") -> object:
    """Return the value of a field in a table without a decimal comma, unless delimited by `;`."""
    quoted = '"' + cell.replace('"', '""') + '"'
    delimiter = ";" if delimiter == ";" else ","
    text = f"Title{delimiter}{column}\nEgg{delimiter}{quoted}\n"
    (entry,) = read(text, name="Title", **{field: column})
    assert entry.values is not None, entry.errors
    return entry.values.get(field)


def test_columns_are_mapped_by_name() -> None:
    file = open_file(
        'Title,Net price,Stock\nEgg,"€ 9,50",5\n',
        {"name": "title", "price": "Net  Price", "stock_quantity": "Stock"},
    )
    assert file.format == "table"
    assert file.columns == {"name": "Title", "price": "Net price", "stock_quantity": "Stock"}
    assert list(file.entries) == [
        ImportEntry(2, {"name": "Egg", "price": "9.50", "stock_quantity": 5})
    ]


def test_columns_with_the_names_of_fields_need_no_mapping() -> None:
    (entry,) = read("Title,SKU,Stock quantity\nEgg,e-1,5\n", name="Title")
    assert entry.values == {"name": "Egg", "sku": "e-1", "stock_quantity": 5}


def test_mapped_field_has_only_its_mapped_column() -> None:
    entry, last = read("Title,Price,Net price\nEgg,11,9\n", name="Title", price="Net price")
    assert entry.values == {"name": "Egg", "price": "9"}
    message = "Column 'Price' has values in 1 row (such as '11'): ignored"
    assert last == ImportEntry(1, None, warnings=(ImportMessage(2, "", message, "Price", "11"),))


def test_header_need_not_be_the_first_line() -> None:
    text = "Price list 2024;;\n;;\nTitle;VK;\nEgg;9,50;\n"
    assert read(text, name="Title", price="VK") == [
        ImportEntry(4, {"name": "Egg", "price": "9.50"})
    ]


def test_workbook_is_mapped_like_text() -> None:
    data = workbook([["Notes"]], [["2024"], ["Title", "VK"], ["Egg", "<c><v>9.5</v></c>"]])
    assert read(data, name="Title", price="VK") == [ImportEntry(3, {"name": "Egg", "price": "9.5"})]


def test_missing_column_is_refused_with_the_columns_of_the_file() -> None:
    with pytest.raises(ParseError) as error:
        read("Title,Net price\nEgg,1\n", name="Titel", price="Net price")
    assert str(error.value) == (
        "The file has no column 'Titel'. Did you mean 'Title'? Its columns: 'Title', 'Net price'"
    )


@pytest.mark.parametrize("field", ["colour", "attribute.", "option. ", "attribute", "variants"])
def test_unknown_field_is_refused(field: str) -> None:
    with pytest.raises(ValidationError, match=f"Unknown field '{field}'. Fields: sku, gtin"):
        read("Title\n", **{field: "Title"})


def test_error_of_a_cell_names_its_column_and_value() -> None:
    (entry,) = read("Title,VK\nEgg,9.00 - 12.00\n", name="Title", price="VK")
    message = "'9.00 - 12.00' is not a single price: write one, like 1234.50"
    assert entry.errors == (ImportMessage(2, "price", message, "VK", "9.00 - 12.00"),)
    assert entry.values is None


@pytest.mark.parametrize("field", ["sku", "gtin", "brand", "compare_at_price", "price"])
def test_blank_cell_clears_a_field(field: str) -> None:
    (entry,) = read('Title,X\nEgg," "\n', name="Title", **{field: "X"})
    assert entry.values == {"name": "Egg", field: None}


@pytest.mark.parametrize("field", ["name", "slug", "stock_quantity", "is_active", "is_listed"])
def test_blank_cell_leaves_these_fields_alone(field: str) -> None:
    (entry,) = read('SKU,X\ne-1," "\n', **{field: "X"})
    assert entry.values == {"sku": "e-1"}


@pytest.mark.parametrize(
    ("cell", "quantity"),
    [("5", 5), ("5.0", 5), ("-3", -3), ("1,200", 1200), ("many", "many"), ("2.5", "2.5")],
)
def test_quantities(cell: str, quantity: object) -> None:
    assert value("stock_quantity", cell) == quantity


def test_words_for_stock() -> None:
    text = "Title,X\nEgg,In stock\nHam,Out of stock\nRye,sold_out\n"
    entries = read(text, name="Title", stock_quantity="X")
    sold_out = {"stock_quantity": 0, "track_stock": True}
    assert [entry.values for entry in entries] == [
        {"name": "Egg"}, {"name": "Ham", **sold_out}, {"name": "Rye", **sold_out},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "state"),
    [("Active", True), ("draft", False), ("yes", True), ("0", False), ("nein", False), ("?", "?")],
)
def test_states(cell: str, state: object) -> None:
    assert value("is_active", cell) == state


@pytest.mark.parametrize(
    ("cell", "column", "delimiter", "grams"),
    [
        ("500", "Weight", ",", "500"),
        ("1.2 kg", "Weight", ",", "1200"),
        ("1,2 kg", "Gewicht", ";", "1200"),
        ("0.5", "Weight (kg)", ",", "500"),
        ("0.5", "weight_kg", ",", "500"),
        ("500 g", "Weight (kg)", ",", "500"),
        ("1 lb", "Weight", ",", "453.59237"),
        ("heavy", "Weight", ",", "heavy"),
        ("3 stone", "Weight", ",", "3 stone"),
        ("", "Weight", ",", None),
    ],
)
def test_weights(cell: str, column: str, delimiter: str, grams: str | None) -> None:
    assert value("weight_grams", cell, column, delimiter) == grams


@pytest.mark.parametrize(
    ("cell", "tags"),
    [("", []), ("vegan, bio", ["vegan", "bio"]), ("a, b|c", ["a, b", "c"]), ("a;b", ["a", "b"])],
)
def test_tags(cell: str, tags: list[str]) -> None:
    assert value("tags", cell) == tags


@pytest.mark.parametrize(
    "separator",
    ["|", ", ", ",", " ", "\n", " ; "],
)
def test_images(separator: str) -> None:
    urls = ["https://e.com/a,1.jpg", "https://e.com/b.jpg"]
    assert value("images", separator.join(urls)) == [{"ref": url, "alt": None} for url in urls]


def test_images_as_json() -> None:
    assert value("images", '["https://e.com/a.jpg", {"ref": "b", "alt": "B"}, 7, null]') == [
        {"ref": "https://e.com/a.jpg", "alt": None},
        {"ref": "b", "alt": "B"},
        {"ref": "7", "alt": None},
    ]


@pytest.mark.parametrize("field", ["tags", "ingredients"])
def test_json_lists(field: str) -> None:
    assert value(field, '["a, b", {"ref": "c"}]') == ["a, b", {"ref": "c"}]
    (entry,) = read('Title,X\nEgg,"[1,"\n', name="Title", **{field: "X"})
    assert entry.errors[0].message.startswith("Invalid JSON")


def test_categories_are_paths_of_names() -> None:
    assert value("categories", "Food > Bars | Nuts, Seeds") == [["Food", "Bars"], ["Nuts, Seeds"]]
    assert value("categories", "") == []


def test_html_description_becomes_plain_text_and_details() -> None:
    (entry,) = read(
        "Title,Text\nEgg,<p>A <b>mug</b> &amp; more</p>\n", name="Title", description="Text"
    )
    assert entry.values == {
        "name": "Egg",
        "description": "A mug & more",
        "details": "<p>A <b>mug</b> &amp; more</p>",
    }


@pytest.mark.parametrize("text", ["1 < 2 > 0", "R&D; done", "plain\ntext"])
def test_plain_description_stays_as_it_is(text: str) -> None:
    assert value("description", text) == text


@pytest.mark.parametrize("cell", ["'0012", "0012", '="0012"'])
def test_mark_of_text_for_spreadsheets_is_not_part_of_a_value(cell: str) -> None:
    assert value("sku", cell) == "0012"
    assert value("gtin", cell) == "0012"


def test_attributes_are_edited_one_by_one() -> None:
    entries = read(
        "Title,Colour,Fit\nEgg,Red,\n",
        name="Title", **{"attribute.Colour": "Colour", "attribute.Cut.2": "Fit"},
    )  # fmt: skip
    assert entries[0].values == {
        "name": "Egg",
        "attribute_edits": {"Colour": "Red", "Cut.2": None},
    }


def test_source_id_is_that_of_the_entry() -> None:
    (entry,) = read("Title,No\nEgg,17\n", name="Title", source_id="No")
    assert (entry.source_id, entry.values) == ("17", {"name": "Egg"})


def test_rows_of_one_name_with_options_are_variants() -> None:
    entries = read(
        "Title,Size,SKU,Price,Image,Text\n"
        "Tee,S,t-s,9,https://e.com/s.jpg,Soft\n"
        "Mug,,m,5,,\n"
        "tee ,M,t-m,10,https://e.com/m.jpg,\n",
        name="Title", images="Image", description="Text", **{"option.Size": "Size"},
    )  # fmt: skip
    assert [entry.line for entry in entries] == [2, 3]
    assert entries[0].variant_lines == (2, 4)
    assert entries[0].values == {
        "name": "Tee",
        "description": "Soft",
        "images": [{"ref": f"https://e.com/{size}.jpg", "alt": None} for size in "sm"],
        "variants": [
            {"options": {"Size": "S"}, "sku": "t-s", "price": "9", "image": "https://e.com/s.jpg"},
            {"options": {"Size": "M"}, "sku": "t-m", "price": "10", "image": "https://e.com/m.jpg"},
        ],
    }
    assert entries[1].values == {
        "name": "Mug", "sku": "m", "price": "5", "images": [], "description": "",
    }  # fmt: skip


def test_row_without_options_has_the_product_of_variants() -> None:
    (entry,) = read(
        "slug,Title,Size,Price\ntee,Tee,,8\ntee,,S,9\n", name="Title", **{"option.Size": "Size"}
    )
    assert entry.values == {
        "slug": "tee",
        "name": "Tee",
        "price": "8",
        "variants": [{"options": {"Size": "S"}, "price": "9"}],
    }


def test_unknown_table_is_refused_with_options_to_start_from() -> None:
    with pytest.raises(ParseError) as error:
        read("Product Name,Item Code,Selling Price,Qty,Category\nPlain mug,M1,9.00,5,Mugs\n")
    assert str(error.value).endswith(
        'add --map name="Product Name" --map sku="Item Code" --map price="Selling Price" '
        "--map stock_quantity=Qty --map categories=Category"
    )
    assert "'Product Name', 'Item Code', 'Selling Price', 'Qty', 'Category'" in str(error.value)


@pytest.mark.parametrize(
    ("header", "options"),
    [
        (
            "Artikelnr.;Bezeichnung;VK brutto (EUR);Bestand",
            "name=Bezeichnung,sku=Artikelnr.,price='VK brutto (EUR)',stock_quantity=Bestand",
        ),
        ("Désignation;Prix TTC;Référence", "name=Désignation,sku=Référence,price='Prix TTC'"),
        ("Our title;Net price in EUR", "name='Our title',price='Net price in EUR'"),
        ("foo;b$r", "name=COLUMN,price=COLUMN"),
    ],
)
def test_suggested_options(header: str, options: str) -> None:
    expected = " ".join(f"--map {option}" for option in options.split(",")).replace("'", '"')
    with pytest.raises(ParseError) as error:
        read(header + "\n")
    assert str(error.value).partition("its columns: add ")[2] == expected


def test_suggested_options_are_quoted_for_a_shell() -> None:
    with pytest.raises(ParseError) as error:
        read('a$b title;"say ""price"""\n')
    assert str(error.value).endswith(r'--map name="a\$b title" --map price="say \"price\""')


def test_table_of_names_and_prices_with_usual_columns_is_read() -> None:
    entries = read(
        "Name,SKU,Price,Stock,Category,Image URL\n"
        "Plain mug,M1,9.00,5,Mugs,https://example.com/m.jpg\n"
    )
    assert entries == [
        ImportEntry(
            2,
            {
                "name": "Plain mug",
                "sku": "M1",
                "price": "9.00",
                "stock_quantity": 5,
                "categories": [["Mugs"]],
                "images": [{"ref": "https://example.com/m.jpg", "alt": None}],
            },
        )
    ]
