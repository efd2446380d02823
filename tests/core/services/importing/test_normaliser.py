from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eggypro_adapters.files.html import clean_html
from eggypro_core.domain.product import IMPORT_READ_ONLY_FIELDS
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.services.importing.category_resolver import CATEGORY_FIELDS, parse_references
from eggypro_core.services.importing.normaliser import NormalisedEntry, normalise_entry

GTIN = "4006381333931"
PRODUCT: Mapping[str, Any] = {
    "name": "Bar | Vanilla [A3]",
    "slug": "bar",
    "sku": "B-1",
    "gtin": GTIN,
    "brand": "Eiweiß & Co",
    "tags": ["new", "sale"],
    "weight_grams": 60,
    "description": "Two\n\nlines",
    "details": '<p>a</p><a href="https://x.y" rel="noopener nofollow">b</a>',
    "price": "9.99",
    "compare_at_price": "12.00",
    "images": [{"ref": "https://x.y/a.jpg", "alt": "A"}, {"ref": "eggypro-products/abc"}],
    "ingredients": ["egg"],
    "attributes": {"Protein": "20 g"},
    "attribute_edits": {"Fat": "1 g", "Salt": None},
    "seo_title": "Bar",
    "seo_description": None,
    "stock_quantity": 4,
    "track_stock": True,
    "is_active": True,
    "is_listed": False,
    "categories": ["bars", ["Food", "Bars"]],
}


def variant(size: str, **values: object) -> dict[str, object]:
    return {"options": {"Size": size}, "price": "5.00", **values}


def normalise(**values: object) -> NormalisedEntry:
    return normalise_entry(ImportEntry(7, values), clean_html)


def normalise_variants(*variants: Mapping[str, object], **values: object) -> NormalisedEntry:
    lines = tuple(range(7, 7 + len(variants)))
    entry = ImportEntry(7, {**values, "variants": list(variants)}, variant_lines=lines)
    return normalise_entry(entry, clean_html)


def warnings(result: NormalisedEntry) -> list[tuple[int, str, str]]:
    return [(message.line, message.field, message.message) for message in result.warnings]


def test_clean_values_pass_through_unchanged() -> None:
    assert normalise(**PRODUCT) == NormalisedEntry(dict(PRODUCT))
    variants = [variant("S", sku="B-2", gtin=GTIN, image="https://x.y"), variant("M", position=1)]
    values = {"name": "Bar", "variants": variants}
    assert normalise(**values) == NormalisedEntry(values)


def test_an_entry_without_values_stays_skipped() -> None:
    options = ({"Size": "S"},)
    entry = ImportEntry(7, None, skipped_options=options)
    assert normalise_entry(entry) == NormalisedEntry(None, skipped_options=options)


LONG = "egg " * 20_000


@pytest.mark.parametrize(
    ("field", "value", "expected", "message"),
    [
        ("name", "Bar <new>\x00 \ud800!", "Bar new !", "Name contains invalid characters"),
        ("name", "a" * 150 + " " + "b" * 150, "a" * 150, "Name is longer than 255 characters"),
        ("name", "b" * 300, "b" * 255, "Name is longer than 255 characters: truncated"),
        ("brand", "a\x07b", "a b", "Brand contains invalid characters: replaced by spaces"),
        ("brand", LONG, LONG[:255].strip(), "Brand is longer than 255 characters: truncated"),
        ("seo_title", LONG, LONG[:255].strip(), "SEO title is longer than 255"),
        ("seo_description", LONG, LONG[:499], "SEO description is longer than 500"),
        ("description", LONG, LONG[:4999], "Description is longer than 5000 characters"),
        ("description", "a\x00b\tc\r\nd", "a b c\nd", "Description contains invalid characters"),
        ("slug", "Summer_Sale.2024", "summer-sale-2024", "imported as 'summer-sale-2024'"),
        ("slug", "100%-egg™", "100-egg", "imported as '100-egg'"),
        ("slug", "äpfel", "apfel", "imported as 'apfel'"),
        ("slug", "caf%c3%a9", "cafe", "imported as 'cafe'"),
        ("slug", "search", "search-2", "imported as 'search-2'"),
        ("slug", "a" * 300, "a" * 255, "imported as 'aaa"),
        ("sku", "A\x01B", "A B", "SKU contains invalid characters: replaced by spaces"),
        ("price", "12.345", "12.35", "Price 12.345 has more than two decimals: rounded to 12.35"),
        ("compare_at_price", "-1", None, "Compare-at price -1 is negative: ignored"),
        ("compare_at_price", "1e9", ..., "Compare-at price '1e9' is not a number: ignored"),
        ("compare_at_price", "99999999", None, "is above 999999.99: ignored"),
        ("compare_at_price", "5.005", "5.01", "rounded to 5.01"),
        ("stock_quantity", -3, 0, "Negative stock (-3): imported as 0"),
        ("stock_quantity", "-0.5", 0, "Negative stock (-0.5): imported as 0"),
        ("stock_quantity", "2.5", 2, "Stock quantity 2.5 is not whole: imported as 2"),
        ("stock_quantity", 10**12, 2_147_483_647, "is too high: imported as 2147483647"),
        ("stock_quantity", "many", ..., "Stock quantity 'many' is not a number: ignored"),
        ("weight_grams", "heavy", ..., "Weight 'heavy' is not a number: ignored"),
        ("weight_grams", -1, ..., "Weight '-1' is out of range: ignored"),
        ("is_active", "perhaps", ..., "Is active 'perhaps' is neither true nor false: ignored"),
        ("tags", ["a", LONG], ["a", LONG[:255].strip()], "Tag is longer than 255 characters"),
        ("tags", [f"t{n}" for n in range(251)], [f"t{n}" for n in range(250)], "251 tags: only"),
        ("ingredients", ["egg", "\x00salt"], ["egg", "salt"], "Ingredient contains invalid"),
        ("attributes", {"a": LONG}, {"a": LONG[:999]}, "Attribute 'a' is longer than 1000"),
        ("attributes", {"a" * 101: "b"}, {"a" * 100: "b"}, "Attribute name is longer than 100"),
        ("attributes", {"a": "1", " a": "2"}, {"a": "1"}, "Attribute 'a' appears twice: ignored"),
        ("images", ["ftp://x.y/a"], [], "Image 'ftp://x.y/a' has no usable address: ignored"),
        ("images", ["https:///a"], [], "Image 'https:///a' has no usable address: ignored"),
        ("images", ["http://u:p@x.y/a"], [], "Image 'http://u:p@x.y/a' has no usable address"),
        (
            "images",
            [{"ref": "https://x.y", "alt": LONG}],
            [{"ref": "https://x.y", "alt": LONG[:255].strip()}],
            "Alt text is longer than 255 characters: truncated",
        ),
        ("categories", [("a<b", LONG)], [["a b", LONG[:99]]], "Category name contains invalid"),
        ("details", "<p>a<img src=x></p>", "<p>a<img src=x></p>", "1 image in details: ignored"),
    ],
)
def test_values_are_taken_with_a_warning(
    field: str, value: object, expected: object, message: str
) -> None:
    result = normalise(**{field: value})
    assert result.values == ({} if expected is ... else {field: expected})
    assert not result.errors
    assert (result.warnings[0].line, result.warnings[0].field) == (7, field)
    assert message in result.warnings[0].message
    assert not {"\x00", "\x01", "\ud800"} & set(result.warnings[0].value)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("slug", "Egg-Bar", "egg-bar"),
        ("slug", " ", ...),
        ("name", "", ...),
        ("name", None, ...),
        ("sku", None, None),
        ("sku", " ", " "),
        ("sku", "A\u200b\ufeff1", "A1"),
        ("name", "\u202aTe\u200da\u202c", "Tea"),
        ("description", "a\u00adb\u200e", "ab"),
        ("gtin", "400638-1333 931", GTIN),
        ("gtin", 4006381333931, GTIN),
        ("gtin", "", None),
        ("price", "12.3400", "12.34"),
        ("compare_at_price", "0.00", None),
        ("compare_at_price", "", None),
        ("stock_quantity", "5.0", 5),
        ("stock_quantity", " ", ...),
        ("track_stock", None, ...),
        ("weight_grams", "250.5", 251),
        ("weight_grams", None, None),
        ("description", None, ""),
        ("description", "Größe\nund\xa0mehr", "Größe\nund\xa0mehr"),
        ("details", None, ""),
        ("tags", None, []),
        ("tags", ["a", "", " "], ["a"]),
        ("tags", ["a", "A"] * 200, ["a"]),
        ("attribute_edits", {"a": " "}, {"a": None}),
        ("images", ["//x.y/a b.jpg", "https://x.y/a%20b.jpg"], ["https://x.y/a%20b.jpg"]),
        ("images", ["/images/eggypro-products/a1/original"], ["eggypro-products/a1"]),
        ("categories", ["bars", ["a", " "], [" "]], ["bars", ["a"]]),
    ],
)
def test_values_are_taken_without_a_warning(field: str, value: object, expected: object) -> None:
    result = normalise(**{field: value})
    assert result == NormalisedEntry({} if expected is ... else {field: expected})


def test_a_handle_without_latin_letters_leaves_the_slug_out() -> None:
    for handle in ("%e6%9d%b1", "東京", "™"):
        result = normalise(slug=handle)
        assert result.values == {}
        message = f"Handle '{handle}' has no letters that a slug can have: made from the name"
        assert warnings(result) == [(7, "slug", message)]


def test_handles_that_differ_in_other_letters_alone_give_different_slugs() -> None:
    first, second = normalise(slug="mug-15-ケース"), normalise(slug="mug-15-フィルム")
    assert first.values == {"slug": "mug-15-1b5245"}
    assert first.values != second.values
    assert normalise(slug="mug-15-ケース") == first


def test_messages_show_only_the_start_of_long_values() -> None:
    for field in ("price", "stock_quantity", "slug", "weight_grams", "gtin", "is_active"):
        result = normalise(**{field: "東" * 1000})
        assert len(max(m.message for m in (*result.warnings, *result.errors))) < 200


def test_categories_that_are_no_slugs_are_paths_of_names() -> None:
    result = normalise(categories=["food-2", "My Bars", "Food > 東", " "])
    assert result.values == {"categories": ["food-2", ["My Bars"], ["Food", "東"]]}
    assert result.warnings == ()


def test_a_sku_that_is_too_long_is_left_out() -> None:
    result = normalise(sku="s" * 256)
    assert result.values == {}
    assert warnings(result) == [(7, "sku", "SKU is longer than 255 characters: left out")]
    assert normalise(sku=" " * 300 + "s" * 255).errors == ()


@pytest.mark.parametrize("price", ["abc", "1,5", "12 EUR", "1e3", "NaN"])
def test_a_price_that_cannot_be_taken_is_an_error_with_its_value(price: str) -> None:
    for result in (normalise(price=price), normalise_variants(variant("S", price=price))):
        assert [(error.line, error.field, error.value) for error in result.errors] == [
            (7, "price", price)
        ]
        assert price in result.errors[0].message


@pytest.mark.parametrize(
    ("price", "message"),
    [
        (None, "Skipped: no price"),
        ("", "Skipped: no price"),
        ("89900000", "Skipped: the price 89900000 is above 999999.99"),
        ("0.00", "Skipped: the price is 0.00"),
        (0, "Skipped: the price is 0"),
        ("-5", "Skipped: the price is -5"),
        ("0.001", "Skipped: the price is 0.001"),
    ],
)
def test_a_product_without_a_price_is_skipped(price: object, message: str) -> None:
    result = normalise(name="Bar", price=price)
    assert result.values is None
    assert warnings(result) == [(7, "price", message)]


def test_a_product_without_a_price_column_is_not_skipped() -> None:
    assert normalise(name="Bar") == NormalisedEntry({"name": "Bar"})


@pytest.mark.parametrize("compare_at", ["9.99", "5", "9.990"])
def test_a_compare_at_price_that_is_not_above_the_price_is_dropped(compare_at: str) -> None:
    result = normalise(price="9.99", compare_at_price=compare_at)
    assert result.values == {"price": "9.99", "compare_at_price": None}
    message = f"Compare-at price {compare_at} is not above the price 9.99: ignored"
    assert warnings(result) == [(7, "compare_at_price", message)]


def test_a_compare_at_price_that_is_rounded_to_the_price_is_dropped() -> None:
    result = normalise(price="9.99", compare_at_price="9.994")
    assert result.values == {"price": "9.99", "compare_at_price": None}


def test_a_barcode_that_is_no_gtin_becomes_an_attribute() -> None:
    result = normalise(gtin="12345", attribute_edits={"Fat": None})
    assert result.values == {"attribute_edits": {"Fat": None, "Barcode": "12345"}}
    assert [(warning.field, warning.value) for warning in result.warnings] == [("gtin", "12345")]
    result = normalise(gtin="12345", attributes={"Fat": "1"})
    assert result.values == {"attributes": {"Fat": "1", "Barcode": "12345"}}


def test_the_barcode_of_the_only_variant_becomes_an_attribute() -> None:
    result = normalise_variants(variant("S", gtin="12345"))
    assert result.values == {
        "variants": [variant("S")],
        "attribute_edits": {"Barcode": "12345"},
    }
    result = normalise_variants(variant("S", gtin="12345"), variant("M", gtin=GTIN))
    assert result.values == {"variants": [variant("S"), variant("M", gtin=GTIN)]}
    assert warnings(result) == [(7, "gtin", "Barcode '12345' is not a valid GTIN: left out")]


def test_variants_without_lines_are_on_the_line_of_the_product() -> None:
    values = {"variants": [variant("S"), variant("M", price="0")]}
    result = normalise_entry(ImportEntry(7, values, variant_lines=(8,)))
    assert result.values == {"variants": [variant("S")]}
    assert warnings(result) == [(7, "price", "Skipped: the price is 0")]


def test_a_variant_without_a_price_is_skipped() -> None:
    result = normalise_variants(variant("S"), variant("M", price="0"), variant("L", price=None))
    assert result.values == {"variants": [variant("S")]}
    assert result.skipped_options == ({"Size": "M"}, {"Size": "L"})
    assert warnings(result) == [
        (8, "price", "Skipped: the price is 0"),
        (9, "price", "Skipped: no price"),
    ]


def test_a_product_whose_variants_are_all_skipped_is_skipped() -> None:
    result = normalise_variants(variant("S", price=""), name="Bar", price="5")
    assert result.values is None
    assert result.skipped_options == ({"Size": "S"},)


def test_the_price_of_a_product_with_variants_says_nothing() -> None:
    for price in (None, "0", "abc"):
        result = normalise_variants(variant("S"), price=price, compare_at_price=price)
        assert result == NormalisedEntry({"variants": [variant("S")]})


def test_equal_variants_are_taken_once() -> None:
    result = normalise_variants(
        variant("S", sku="A", position=0),
        variant("M", sku="A"),
        variant("S", sku="A", position=1),
        variant("M", sku="A"),
    )
    assert result.values == {"variants": [variant("S", sku="A", position=0), variant("M")]}
    assert warnings(result) == [
        (8, "sku", "SKU 'A' is already used by another variant of the product: left out"),
        (9, "options", "The same variant as on line 7: ignored"),
        (10, "options", "The same variant as on line 8: ignored"),
    ]


def test_different_variants_with_the_same_options_are_an_error() -> None:
    result = normalise_variants(variant("S"), variant("S ", price="6.00"))
    assert [(error.line, error.field, error.message) for error in result.errors] == [
        (
            8,
            "options",
            "Two variants have the same options (Size: S) and different values: lines 7 and 8",
        )
    ]


def test_several_variants_without_options_are_an_error() -> None:
    empty: dict[str, object] = {"options": {}, "price": "5"}
    result = normalise_variants(empty, {**empty, "price": "6"})
    message = "A variant without options beside others: name its options"
    assert [(error.line, error.message) for error in result.errors] == [(7, message), (8, message)]


def test_the_only_variant_without_options_is_the_product() -> None:
    result = normalise_variants({"options": {}, "price": "5.00", "sku": "A"}, name="Bar")
    assert result == NormalisedEntry({"name": "Bar", "price": "5.00", "sku": "A"})
    blank = {"options": {"Size": " "}, "price": "5.00"}
    assert normalise_variants(blank, blank).values == {"price": "5.00"}


def test_variants_without_options_fit_any() -> None:
    any_size: dict[str, object] = {"options": {}, "price": "6.00"}
    result = normalise_variants(variant("S"), any_size)
    assert result == NormalisedEntry({"variants": [variant("S"), variant("Any", price="6.00")]})
    both = {"options": {"Size": "S", "Colour": "Red"}, "price": "5.00"}
    assert normalise_variants(variant("S"), both) == NormalisedEntry(
        {"variants": [variant("S"), both]}
    )


def test_option_names_that_differ_in_case_are_one() -> None:
    result = normalise_variants(
        variant("S"), {"options": {"SIZE": " M", "Colour": ""}, "price": "5.00"}
    )
    assert result == NormalisedEntry({"variants": [variant("S"), variant("M")]})


def test_the_last_of_too_many_option_names_are_joined() -> None:
    names = [f"N{number}" for number in range(12)]
    first = {"options": dict.fromkeys(names, "a"), "price": "5.00"}
    second = {"options": {"N0": "a", "N10": "c"}, "price": "5.00"}
    result = normalise_variants(first, second)
    assert result.values is not None
    variants: Any = result.values["variants"]
    options = [item["options"] for item in variants]
    assert options[0] == {**dict.fromkeys(names[:9], "a"), "N9 / N10 / N11": "a / a / a"}
    assert options[1] == {"N0": "a", "N9 / N10 / N11": "- / c / -"}
    assert warnings(result) == [
        (
            7,
            "options",
            "12 option names: only 10 are possible, the last 3 are joined into 'N9 / N10 / N11'",
        )
    ]


def test_a_sku_of_the_product_that_a_variant_has_too_is_left_out() -> None:
    result = normalise_variants(variant("S", sku="A"), sku=" A")
    assert result.values == {"variants": [variant("S", sku="A")]}
    assert [(warning.line, warning.field) for warning in result.warnings] == [(7, "sku")]


def test_options_that_the_reader_skipped_get_the_same_spelling() -> None:
    values = {"variants": [variant("S")]}
    entry = ImportEntry(7, values, variant_lines=(7,), skipped_options=({"SIZE": " L"},))
    assert normalise_entry(entry) == NormalisedEntry(values, skipped_options=({"Size": "L"},))


@pytest.mark.parametrize(
    "html",
    [
        "&" * 300_000,
        "<div>word " * 30_000,
        "<p>" + "x" * 60_000,
        "<a href='x'>y" * 9_000,
        "<ul><li>" * 40 + "word " * 12_000,
    ],
)
def test_details_that_are_too_long_are_truncated(html: str) -> None:
    result = normalise(details=html)
    assert result.values is not None
    details = str(result.values["details"])
    assert 40_000 < len(clean_html(details)) <= 50_000
    assert "Details are longer than 50000 characters: truncated" in [
        warning.message for warning in result.warnings
    ]
    assert normalise(details=details).warnings == ()


def test_long_html_that_is_short_when_clean_stays() -> None:
    html = "<p style='color: red; font-family: serif'>a</p>" * 4_000
    assert normalise(details=html) == NormalisedEntry({"details": html})


def test_dropped_elements_are_counted() -> None:
    html = "<IMG src=a><p>b<img src='c'></p><iframe src=d></iframe><a href='/e'>f</a><a HREF=#g>h"
    html += "<a href='HTTPS://x.y'>i</a><a href=mailto:a@b.c>j</a><a name=k>l</a><i>m</i>"
    message = "2 images, 1 iframe and 2 link addresses in details: ignored"
    assert warnings(normalise(details=html)) == [(7, "details", message)]


CHARACTERS = ["\ud800", "\x00", "\x07", "\x0b", "\x85", "<", ">", " ", "\n", "\r\n", "\t", "\xa0"]
LETTERS = [
    "é",
    "e\u0301",
    "\u0301" * 60,
    "\u0958" * 200,
    "東",
    "™",
    "Aa",
    "1",
    ",",
    "/",
    "-",
    "_",
    "'",
]
WORDS = ["word " * 90, "x" * 300, "%e6%9d%b1", "search", "https://"]
MARKUP = ["&#1;", "&", "<p>", "<div>", "<img src=x>"]
PIECES = st.sampled_from(CHARACTERS + LETTERS + WORDS + MARKUP)
TEXTS = st.lists(PIECES, max_size=6).map("".join) | st.text(max_size=3)
PRICES = (
    st.none()
    | st.sampled_from(["", "0", "12.345", "-3", "999999.995", "1e5", "5", "5.00", 7, " 3 "])
    | st.decimals(-1, 100, places=3)
    | TEXTS
)
QUANTITIES = st.none() | st.integers() | st.sampled_from(["2.5", "5.0", "x", "-1.5"]) | TEXTS
NULLABLE = st.none() | TEXTS
BOOLEANS = st.none() | st.booleans() | TEXTS
GTINS = st.sampled_from([GTIN, "400638-1333931", 4006381333931, "96385074"]) | NULLABLE
ATTRIBUTES = st.dictionaries(TEXTS, NULLABLE, max_size=4) | st.just(
    {f"a{number}": f"{number}" for number in range(120)}
)
IMAGES = st.sampled_from(
    ["https://x.y/a", "http://x.y/a b", "eggypro-products/a", "/images/eggypro-products/a/400w", ""]
)
OPTION_NAMES = st.sampled_from(["Size", "SIZE", "Colour"]) | TEXTS
VARIANTS = st.fixed_dictionaries(
    {
        "options": st.dictionaries(OPTION_NAMES, TEXTS, max_size=3)
        | st.just({f"n{number}": "a" for number in range(13)}),
        "price": PRICES,
    },
    optional={
        "sku": NULLABLE,
        "gtin": GTINS,
        "weight_grams": QUANTITIES,
        "compare_at_price": PRICES,
        "stock_quantity": QUANTITIES,
        "track_stock": BOOLEANS,
        "image": IMAGES | NULLABLE,
        "position": QUANTITIES,
        "is_active": BOOLEANS,
    },
)
PRODUCTS = st.fixed_dictionaries(
    {},
    optional={
        "name": NULLABLE,
        "slug": NULLABLE,
        "sku": NULLABLE,
        "gtin": GTINS,
        "brand": NULLABLE,
        "tags": st.none() | st.lists(TEXTS, max_size=5) | st.just([f"{n}" for n in range(300)]),
        "weight_grams": QUANTITIES,
        "description": NULLABLE,
        "details": NULLABLE,
        "price": PRICES,
        "compare_at_price": PRICES,
        "images": st.lists(
            IMAGES | TEXTS | st.fixed_dictionaries({"ref": IMAGES | TEXTS, "alt": NULLABLE})
        ),
        "ingredients": st.none() | st.lists(TEXTS, max_size=60),
        "attributes": ATTRIBUTES,
        "attribute_edits": ATTRIBUTES,
        "seo_title": NULLABLE,
        "seo_description": NULLABLE,
        "stock_quantity": QUANTITIES,
        "track_stock": BOOLEANS,
        "is_active": BOOLEANS,
        "is_listed": BOOLEANS,
        "categories": st.lists(TEXTS | st.lists(TEXTS, max_size=3), max_size=5),
        "variants": st.lists(VARIANTS, max_size=5),
    },
)


def parse(values: Mapping[str, Any]) -> None:
    """Validate the values as an import does. Raises ValidationError."""
    parse_references({name: values[name] for name in CATEGORY_FIELDS & values.keys()})
    if "attribute_edits" in values:
        ProductChanges.parse({"attributes": values["attribute_edits"]}, str, merge=True)
    others = CATEGORY_FIELDS | {"attribute_edits"}
    ProductChanges.parse(
        {name: value for name, value in values.items() if name not in others},
        clean_html,
        read_only=IMPORT_READ_ONLY_FIELDS,
    )


@settings(max_examples=200)
@given(PRODUCTS)
@example({"variants": [{"options": {"a": "b"}, "price": "1", "sku": "x" * 300}] * 2})
@example({"name": "a", "description": "\u0958" + "\u0301" * 50})
def test_normalised_values_are_valid_and_stay_the_same(values: dict[str, Any]) -> None:
    lines = tuple(range(2, 2 + len(values.get("variants", ()))))
    result = normalise_entry(ImportEntry(2, values, variant_lines=lines), clean_html)
    if result.values is None or result.errors:
        assert result.warnings or result.errors
        return
    parse(result.values)
    variants: Any = result.values.get("variants", ())
    lines = tuple(range(2, 2 + len(variants)))
    again = normalise_entry(
        ImportEntry(2, result.values, (), (), None, lines, result.skipped_options), clean_html
    )
    dropped = [message for message in again.warnings if "in details: ignored" in message.message]
    assert (again.values, again.warnings) == (result.values, tuple(dropped))


@given(
    st.dictionaries(
        st.sampled_from([*PRODUCT, "variants"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
            lambda children: (
                st.lists(children, max_size=3)
                | st.dictionaries(st.sampled_from(["options", "ref", "price"]), children)
            ),
            max_leaves=5,
        ),
    )
)
def test_values_of_wrong_types_are_left_to_validation(values: dict[str, Any]) -> None:
    assert isinstance(normalise_entry(ImportEntry(2, values)), NormalisedEntry)
