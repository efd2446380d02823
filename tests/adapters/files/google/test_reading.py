"""Import of tables of Google Merchant Center and Meta."""

import io
import time
from typing import Any

import pytest

from eggypro_adapters.files import read_products
from eggypro_adapters.files.google.columns import ATTRIBUTES, column_name, matches_header
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import ParseError
from tests.support.product_files import Row, csv_text


def tsv(*rows: Row) -> bytes:
    return csv_text(*rows, delimiter="\t").encode()


def entries(*rows: Row) -> list[ImportEntry]:
    file = read_products(io.BytesIO(tsv(*rows)), file_format="google")
    return list(file.entries)


def products(*rows: Row) -> list[ImportEntry]:
    return [entry for entry in entries(*rows) if entry.values is not None]


def values(*rows: Row) -> dict[str, Any]:
    """Return the values of the only product."""
    (entry,) = products(*({"id": "A1", "title": "Egg", **row} for row in rows))
    return dict(entry.values or {})


def messages(*rows: Row) -> list[str]:
    return [
        message.message
        for entry in entries(*({"id": "A1", "title": "Egg", **row} for row in rows))
        for message in (*entry.errors, *entry.warnings)
    ]


def shirt(*rows: Row) -> ImportEntry:
    """Return the product of rows of one group, with different IDs."""
    (entry,) = products(
        *(
            {"id": f"S{number}", "title": "Shirt", "item_group_id": "S", "price": "9 EUR", **row}
            for number, row in enumerate(rows)
        )
    )
    return entry


def variants(entry: ImportEntry) -> list[dict[str, Any]]:
    found = (entry.values or {})["variants"]
    assert isinstance(found, list)
    return found


def options(*rows: Row) -> list[dict[str, str]]:
    return [dict(variant["options"]) for variant in variants(shirt(*rows))]


def test_only_columns_of_the_file_become_fields() -> None:
    assert values({}) == {"name": "Egg", "sku": "A1"}


def test_every_column_of_a_full_row_lands_in_its_field() -> None:
    row = {
        "id": "A1",
        "title": "Egg white",
        "description": "Pure protein",
        "image_link": "http://x.example/1.jpg",
        "additional_image_link": "https://x.example/w_1,h_2.jpg,https://x.example/3.jpg",
        "availability": "in_stock",
        "price": "12.50 EUR",
        "brand": "Hen",
        "gtin": "4006381333931",
        "product_type": "Food > Bars",
        "shipping_weight": "1.5 kg",
        "mpn": "M-1",
        "color": "White",
    }
    (entry,) = products(row)
    assert entry.source_id == "A1"
    assert entry.values == {
        "name": "Egg white",
        "sku": "A1",
        "description": "Pure protein",
        "images": [
            {"ref": "https://x.example/1.jpg", "alt": None},
            {"ref": "https://x.example/w_1,h_2.jpg", "alt": None},
            {"ref": "https://x.example/3.jpg", "alt": None},
        ],
        "price": "12.50",
        "brand": "Hen",
        "gtin": "4006381333931",
        "categories": [["Food", "Bars"]],
        "weight_grams": 1500,
        "attribute_edits": {"MPN": "M-1", "Color": "White"},
    }


def test_long_cells_are_read_in_linear_time() -> None:
    commas, dashes = "," * 200_000, "Red - " * 30_000
    rows: list[Row] = [
        {"additional_image_link": f"a{commas}b", "title": f"{dashes}{size}"} for size in "SL"
    ]
    started = time.perf_counter()
    shirt(*({**row, "color": "Red", "size": size} for row, size in zip(rows, "SL", strict=True)))
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize("text", ["image_link", "image link", "g:image_link", "Image Link"])
def test_spellings_of_a_column(text: str) -> None:
    assert column_name(text) == "image_link"
    assert (
        values({text: "https://x.example/1.jpg"})["images"][0]["ref"] == "https://x.example/1.jpg"
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("product_detail(section_name:attribute_name:attribute_value)", "product_detail"),
        ("product_tags[1]", "product_tags"),
        ("image[0].url", "image_link"),
        ("image[2].url", "additional_image_link"),
        ("image[0].tag[0]", ""),
        ("quantity_to_sell_on_facebook", "quantity"),
        ("custom label 3", "custom_label_3"),
    ],
)
def test_names_of_lists_and_groups(text: str, name: str) -> None:
    assert column_name(text) == name


def test_a_feed_is_told_from_other_files() -> None:
    assert matches_header(["id", "title", "price", "availability"])
    assert not matches_header(["ID", "Type", "SKU", "Name", "Regular price"])
    assert not matches_header(["Handle", "Title", "Variant Price"])
    assert not matches_header(["id", "title", "body"])
    (entry,) = read_products(io.BytesIO(b"id,title,price,condition\nA,Egg,1 EUR,new\n")).entries
    assert entry.source_id == "A"


def test_a_table_without_id_and_title_is_refused() -> None:
    with pytest.raises(ParseError, match="found 'price', 'name'"):
        read_products(io.BytesIO(b"price,name\n1,a\n"), file_format="google")


def test_a_row_needs_an_id_or_a_title() -> None:
    assert [entry.source_id for entry in products({"id": "", "title": "Egg"})] == [None]
    assert messages({"id": "", "title": "", "price": "1 EUR"}) == [
        "The row has neither an ID nor a title: add one"
    ]


@pytest.mark.parametrize(
    ("cell", "price"),
    [
        ("12.50 EUR", "12.50"),
        ("EUR 12.50", "12.50"),
        ("€12,50", "12.50"),
        ("1,234.50 USD", "1234.50"),
        ("1.234,50 EUR", "1234.50"),
        ("1 234.50 SEK", "1234.50"),
        ("12.3456 EUR", "12.3456"),
        ("0", "0"),
        ("", None),
    ],
)
def test_price(cell: str, price: str | None) -> None:
    assert values({"price": cell})["price"] == price


@pytest.mark.parametrize("cell", ["9 - 12 EUR", "9.00/12.00", "on request"])
def test_a_cell_that_is_not_one_price_is_refused(cell: str) -> None:
    assert not products({"id": "A", "title": "Egg", "price": cell})
    (message,) = messages({"price": cell})
    assert cell in message


def test_two_currencies_are_a_warning() -> None:
    rows = [{"id": code, "title": code, "price": f"1 {code}"} for code in ("EUR", "USD", "USD")]
    assert messages(*rows[:2]) == ["Prices are in USD, not in EUR: imported without conversion"]


def test_sale_price_is_the_price_and_the_price_compares_to_it() -> None:
    row = {"price": "10 EUR", "sale_price": "8 EUR"}
    assert values(row) == {"name": "Egg", "sku": "A1", "price": "8", "compare_at_price": "10"}


@pytest.mark.parametrize("sale", ["", "0 EUR", "10 EUR", "12 EUR"])
def test_no_sale(sale: str) -> None:
    row = values({"price": "10 EUR", "sale_price": sale})
    assert (row["price"], row["compare_at_price"]) == ("10", None)


@pytest.mark.parametrize("words", ["out of stock", "out_of_stock", "discontinued", "Sold out"])
def test_sold_out_is_a_stock_of_zero(words: str) -> None:
    row = values({"availability": words, "quantity": "5"})
    assert (row["stock_quantity"], row["track_stock"]) == (0, True)


@pytest.mark.parametrize("words", ["in stock", "in_stock", ""])
def test_in_stock_says_no_quantity(words: str) -> None:
    assert values({"availability": words}) == {"name": "Egg", "sku": "A1"}


@pytest.mark.parametrize("words", ["preorder", "backorder", "available for order"])
def test_on_order_can_be_bought_without_stock(words: str) -> None:
    row = values({"availability": words})
    assert row == {"name": "Egg", "sku": "A1", "track_stock": False}


def test_quantity_of_meta() -> None:
    row = values({"quantity_to_sell_on_facebook": "75"})
    assert (row["stock_quantity"], row["track_stock"]) == (75, True)
    assert "stock_quantity" not in values({"inventory": ""})


def test_unknown_availability_is_a_warning() -> None:
    assert messages({"availability": "maybe"}) == ["Unknown availability 'maybe': ignored"]


@pytest.mark.parametrize(
    ("cell", "grams"),
    [("500 g", 500), ("1.5kg", 1500), ("2 lb", "907.18474"), ("1 oz", "28.349523125"), ("", None)],
)
def test_weight(cell: str, grams: object) -> None:
    assert values({"shipping_weight": cell})["weight_grams"] == grams


def test_weight_without_a_unit_is_ignored() -> None:
    assert "weight_grams" not in values({"shipping_weight": "3"})
    assert messages({"shipping_weight": "3"}) == [
        "Weight '3' has no known unit (g, kg, oz, lb): ignored"
    ]


def test_weight_of_the_product_is_preferred() -> None:
    row = {"shipping_weight": "2 kg", "product_weight": "1 kg"}
    assert values(row)["weight_grams"] == 1000


def test_html_becomes_details_and_plain_text() -> None:
    row = values({"description": "<p>Pure</p><p>protein</p>"})
    assert row["description"] == "Pure\n\nprotein"
    assert row["details"] == "<p>Pure</p><p>protein</p>"
    row = values({"title": "Salt &amp; egg", "description": "l&#039;eau\n&lt;b&gt;"})
    assert row == {"name": "Salt & egg", "sku": "A1", "description": "l'eau\n<b>"}
    row = values({"description": "Pure", "rich_text_description": "<b>Very</b> pure"})
    assert (row["description"], row["details"]) == ("Pure", "<b>Very</b> pure")


@pytest.mark.parametrize(
    ("cell", "paths"),
    [
        ("Food > Bars", [["Food", "Bars"]]),
        ("Food, Beverages > Bars", [["Food, Beverages", "Bars"]]),
        ("Food > Bars, Food > Vegan", [["Food", "Bars"], ["Food", "Vegan"]]),
        ('"Food > Bars","Sport, Gym"', [["Food", "Bars"], ["Sport, Gym"]]),
        ("", []),
    ],
)
def test_product_type_is_a_category_path(cell: str, paths: object) -> None:
    assert values({"product_type": cell})["categories"] == paths


def test_status_and_visibility_of_meta() -> None:
    assert values({"status": "archived", "visibility": "staging"}) == {
        "name": "Egg",
        "sku": "A1",
        "is_active": False,
        "is_listed": False,
    }
    row = values({"status": "Active", "visibility": "published"})
    assert (row["is_active"], row["is_listed"]) == (True, True)
    assert messages({"status": "odd"}) == ["Unknown status 'odd': ignored"]


def test_product_details_are_attributes() -> None:
    cell = "General:Protein:21 g,Nutrition:Fat:1,5 g"
    row = values({"product_detail": cell})
    assert row["attribute_edits"] == {"Protein": "21 g", "Fat": "1,5 g"}


def test_a_blank_cell_removes_an_attribute_and_new_is_no_condition() -> None:
    row = values({"color": "", "condition": "new"})
    assert row["attribute_edits"] == {"Color": None, "Condition": None}
    assert values({"condition": "used"})["attribute_edits"] == {"Condition": "used"}


def test_attribute_names_are_unique() -> None:
    assert len(set(ATTRIBUTES.values())) == len(ATTRIBUTES)


@pytest.mark.parametrize("identifier", ["shopify_DE_12_34", "gla_12", "wc_post_id_9"])
def test_ids_of_plugins_are_no_skus(identifier: str) -> None:
    (entry,) = products({"id": identifier, "title": "Egg"})
    assert entry.values == {"name": "Egg"}
    assert entry.source_id == identifier


def test_a_column_of_skus_comes_before_the_id() -> None:
    assert values({"sku": "EW-1"})["sku"] == "EW-1"
    assert values({"sku": ""})["sku"] is None


def test_columns_that_are_not_imported_are_one_warning_each() -> None:
    rows = [
        {"id": name, "title": name, "link": "https://x.example/", "adult": "no", "tax": ""}
        for name in ("A", "B")
    ]
    assert messages(*rows) == [
        "Column 'link' has values in 2 rows (such as 'https://x.example/'): ignored"
    ]


def test_rows_of_a_group_are_variants_of_one_product() -> None:
    entry = shirt(
        {"color": "Red", "size": "M", "gtin": "4006381333931", "image_link": "https://x.example/r"},
        {"color": "Blue", "size": "M", "gtin": "", "image_link": "https://x.example/b"},
    )
    assert entry.source_id == "S"
    assert entry.variant_lines == (2, 3)
    assert entry.values == {
        "name": "Shirt",
        "images": [
            {"ref": "https://x.example/r", "alt": None},
            {"ref": "https://x.example/b", "alt": None},
        ],
        "variants": [
            {
                "options": {"Color": "Red", "Size": "M"},
                "is_active": True,
                "sku": "S0",
                "gtin": "4006381333931",
                "price": "9",
                "image": "https://x.example/r",
            },
            {
                "options": {"Color": "Blue", "Size": "M"},
                "is_active": True,
                "sku": "S1",
                "gtin": None,
                "price": "9",
                "image": "https://x.example/b",
            },
        ],
    }


def test_rows_of_a_group_need_not_be_together() -> None:
    rows = [
        {"id": "1", "title": "A", "item_group_id": "A", "size": "S"},
        {"id": "2", "title": "B", "item_group_id": "", "size": ""},
        {"id": "3", "title": "A", "item_group_id": "A", "size": "L"},
    ]
    assert [entry.source_id for entry in products(*rows)] == ["A", "2"]


def test_options_are_the_columns_that_differ() -> None:
    red = {"color": "Red", "material": "Wool", "pattern": "Dots"}
    assert options(red, {**red, "material": "Silk"}) == [
        {"Color": "Red", "Material": "Wool"},
        {"Color": "Red", "Material": "Silk"},
    ]
    entry = shirt(red, {**red, "color": "Blue"})
    assert (entry.values or {})["attribute_edits"] == {"Material": "Wool", "Pattern": "Dots"}


def test_rows_without_options_are_told_apart_by_title_or_id() -> None:
    assert options({"title": "Small"}, {"title": "Large"}) == [
        {"Title": "Small"},
        {"Title": "Large"},
    ]
    assert options({"mpn": "1"}, {"mpn": "2"}) == [{"ID": "S0"}, {"ID": "S1"}]


def test_additional_attributes_of_meta_are_options() -> None:
    assert options(
        {"additional_variant_attribute": "Scent:Rose,Flavor:Plain"},
        {"additional_variant_attribute": '{"Scent": "Rose", "Flavor": "Egg, raw"}'},
    ) == [{"Scent": "Rose", "Flavor": "Plain"}, {"Scent": "Rose", "Flavor": "Egg, raw"}]


def test_additional_attributes_without_variants_are_attributes() -> None:
    row = {"additional_variant_attribute": '{"Scent": "Rose"}'}
    assert values(row)["attribute_edits"] == {"Scent": "Rose"}
    assert messages({"additional_variant_attribute": "Rose"}) == [
        "Column 'additional_variant_attribute' has values in 1 row (such as 'Rose'): ignored"
    ]


@pytest.mark.parametrize(
    ("titles", "name"),
    [
        (["Shirt - Red / M", "Shirt - Blue / L"], "Shirt"),
        (["Shirt (Red, M)", "Shirt (Blue, L)"], "Shirt"),
        (["Shirt - Red / M"], "Shirt"),
        (["Fine Shirt for you", "Fine Shirt for me"], "Fine Shirt for"),
        (["Shirt - Red", "Shirt - Red"], "Shirt - Red"),
        (["T-Shirt X-M", "T-Shirt X-L"], "T-Shirt"),
        (["Ham", "Egg"], "Ham"),
    ],
)
def test_name_of_a_group_is_without_options(titles: list[str], name: str) -> None:
    colors = [{"color": "Red", "size": "M"}, {"color": "Blue", "size": "L"}]
    rows = [{"title": title, **row} for title, row in zip(titles, colors, strict=False)]
    assert (shirt(*rows).values or {})["name"] == name


def test_the_row_with_the_id_of_the_group_is_its_parent() -> None:
    parent = {"id": "S", "item_group_id": "", "title": "Shirt", "brand": "Hen"}
    red = {"title": "Shirt red", "color": "Red"}
    entry = shirt(red, parent, {**red, "color": "Blue"})
    assert (entry.line, entry.source_id) == (3, "S")
    assert ((entry.values or {})["name"], (entry.values or {})["brand"]) == ("Shirt", "Hen")
    assert [variant["sku"] for variant in variants(entry)] == ["S0", "S2"]


def test_a_row_that_is_alone_in_its_own_group_has_no_variants() -> None:
    entry = shirt({"id": "S", "color": "Red"})
    assert entry.values == {
        "name": "Shirt",
        "sku": "S",
        "price": "9",
        "attribute_edits": {"Color": "Red"},
    }
    assert "variants" in (shirt({"id": "S1", "color": "Red"}).values or {})
    assert "variants" not in (shirt({"id": "S1"}).values or {})


def test_archived_variants() -> None:
    entry = shirt({"size": "S", "status": "active"}, {"size": "L", "status": "archived"})
    assert [variant["is_active"] for variant in variants(entry)] == [True, False]
    assert (entry.values or {})["is_active"] is True
    entry = shirt({"size": "S", "status": "archived"}, {"size": "L", "status": "archived"})
    assert [variant["is_active"] for variant in variants(entry)] == [True, True]
    assert (entry.values or {})["is_active"] is False


def test_identical_rows_count_once() -> None:
    row = {"id": "A", "title": "Egg", "price": "1 EUR"}
    (entry,) = products(row, row)
    assert [warning.message for warning in entry.warnings] == [
        "Skipped: the row is the same as line 2"
    ]


@pytest.mark.parametrize("group", ["", "G"])
def test_one_id_with_different_values_is_refused(group: str) -> None:
    row = {"id": "A", "title": "Egg", "price": "1 EUR", "item_group_id": group}
    (entry,) = entries(row, {**row, "price": "2 EUR"})
    assert entry.values is None
    assert [error.message for error in entry.errors] == [
        "Lines 2 and 3 have the same ID 'A' but different values: remove one of them"
    ]


def test_texts_in_which_variants_differ_are_a_warning() -> None:
    rows = [
        {"id": size, "title": "Shirt", "item_group_id": "S", "size": size, "brand": brand}
        for size, brand in (("S", "Hen"), ("L", "Cock"))
    ]
    assert messages(*rows) == ["Column 'brand' has values in 1 row (such as 'Cock'): ignored"]


def test_fields_name_their_columns() -> None:
    file = read_products(
        io.BytesIO(tsv({"id": "A", "title": "", "Image Link": ""})), file_format="google"
    )
    assert file.columns == {
        "name": "title",
        "sku": "id",
        "images": "Image Link",
        "image": "Image Link",
    }
    assert file.format == "google"
