"""Tests of products: validation and changes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve, fields_dict
from hypothesis import given

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.files.html import clean_html
from eggypro_core.domain.product import (
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    Image,
    ListedProduct,
    Product,
    ProductDraft,
)
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.slug import RESERVED_SLUGS
from eggypro_core.errors import FieldError, ValidationError
from eggypro_core.validation.unset import UNSET
from tests.support.builders import product_values

LATER = NOON + timedelta(hours=1)
COMPARE_AT_ERROR = FieldError("compare_at_price", "Compare-at price must be above the price")
PRODUCT = Product(
    id=7,
    name="Egg White",
    slug="egg-white",
    sku="EW",
    description="White",
    details="<p>Egg</p>",
    price=Decimal("24.99"),
    compare_at_price=Decimal("30.00"),
    images=(),
    ingredients=("egg",),
    attributes={"protein": "80 g", "fat": "1 g"},
    seo_title=None,
    seo_description=None,
    stock_quantity=3,
    track_stock=True,
    is_active=True,
    created_at=NOON,
    updated_at=NOON,
    version=4,
)


def parse_changes(**values: object) -> ProductChanges:
    return ProductChanges.parse(values, clean_html)


def validation_errors(**values: object) -> list[FieldError]:
    """Return the errors of a complete product that has these values."""
    with pytest.raises(ValidationError) as raised:
        ProductChanges.parse(product_values(**values), clean_html, required=REQUIRED_FIELDS)
    return list(raised.value.errors)


NO_HOST = "must be an https URL with a valid host, without user and password"
WRONG_DIGITS = "GTIN '{}' must have 8, 12, 13 or 14 digits, nothing else"
WRONG_CHECK_DIGIT = "GTIN '{}' has a wrong check digit: check it for typing errors"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", None, "Name is required"),
        ("name", "", "Name is required"),
        ("name", " \t", "Name is required"),
        ("name", "x" * 256, "Name too long"),
        ("name", "a\0b", "Name contains invalid characters"),
        ("name", "a\ud800", "Name contains invalid characters"),
        *(("name", f"a{character}b", "Name contains invalid characters") for character in "<>\x07"),
        ("slug", "", "Slug is required"),
        ("slug", "x" * 256, "Slug too long"),
        ("slug", "A b", "Slug must contain only lowercase letters, numbers, and hyphens"),
        *(("slug", slug, f"Slug '{slug}' is reserved") for slug in sorted(RESERVED_SLUGS)),
        ("sku", "x" * 256, "SKU too long"),
        ("gtin", "4006381333932", WRONG_CHECK_DIGIT.format("4006381333932")),
        ("gtin", "40063813339", WRONG_DIGITS.format("40063813339")),
        ("gtin", "4006381333931 x", WRONG_DIGITS.format("4006381333931 x")),
        ("gtin", "٤٠٠٦٣٨١٣٣٣٩٣١", WRONG_DIGITS.format("٤٠٠٦٣٨١٣٣٣٩٣١")),
        ("gtin", 4006381333931, "GTIN must be text"),
        ("brand", "x" * 256, "Brand too long"),
        ("tags", "vegan", "Tags must be a list"),
        ("tags", ["x" * 256], "Tag too long"),
        ("tags", [5], "Tag must be text"),
        ("tags", [str(number) for number in range(251)], "Too many tags: 251, at most 250"),
        ("weight_grams", -1, "Weight in grams cannot be negative"),
        ("weight_grams", 1.5, "Weight in grams must be an integer"),
        ("weight_grams", "500 g", "Weight in grams must be an integer"),
        ("weight_grams", 2**31, "Weight in grams too high (at most 2147483647)"),
        ("is_listed", None, "Is listed must be true or false"),
        ("sku", "a\nb\0", "SKU contains invalid characters"),
        ("sku", 5, "SKU must be text"),
        ("description", None, "Description is required"),
        ("description", "x" * 5001, "Description too long"),
        ("description", "a\x1bb", "Description contains invalid characters"),
        ("details", "x" * 50_001, "Details too long"),
        ("details", 5, "Details must be text"),
        ("price", "0", "Price must be positive"),
        ("price", "-1", "Price must be positive"),
        ("price", "1000000", "Price too high"),
        ("price", "24.999", "Price must have at most 2 decimals"),
        ("price", 24.99, 'Price must be a number such as "24.99"'),
        ("price", None, 'Price must be a number such as "24.99"'),
        ("compare_at_price", "1000000", "Compare-at price too high"),
        ("compare_at_price", "24.99", "Compare-at price must be above the price"),
        ("compare_at_price", "24.98", "Compare-at price must be above the price"),
        ("ingredients", [], "At least one ingredient is required"),
        ("ingredients", ["x"] * 51, "Too many ingredients"),
        ("ingredients", ["egg", " "], "Ingredient is required"),
        ("ingredients", ["x" * 256], "Ingredient too long"),
        ("ingredients", "egg", "Ingredients must be a list"),
        ("images", ["https://x.example/"] * 51, "Too many images"),
        ("images", ["http://x.example/1.jpg"], "Each image must be an https URL"),
        ("images", ["https://"], f"Each image {NO_HOST}"),
        ("images", ["https:///x"], f"Each image {NO_HOST}"),
        ("images", ["https://u:pw@x.example/"], f"Each image {NO_HOST}"),
        ("images", ["https://x.example:0/"], f"Each image {NO_HOST}"),
        ("images", ["https://x.example/a b"], "Image URL contains invalid characters"),
        ("images", ['https://x.example/">'], "Image URL contains invalid characters"),
        ("images", ["https://" + "x" * 2048], "Image URL too long"),
        ("images", [{"alt": "x"}], "Each image must be a URL, or a map of ref and alt"),
        (
            "images",
            [{"ref": "https://x.example/", "size": 1}],
            "Each image must be a URL, or a map of ref and alt",
        ),
        ("images", [{"ref": "https://x.example/", "alt": "x" * 256}], "Alt text too long"),
        ("images", [7], "Each image must be a URL, or a map of ref and alt"),
        ("attributes", {str(n): "x" for n in range(51)}, "Too many attributes"),
        ("attributes", {"a": ""}, "Attribute is required"),
        ("attributes", {"a": "x" * 1001}, "Attribute too long"),
        ("attributes", {"x" * 101: "a"}, "Attribute name too long"),
        ("attributes", ["a"], "Attributes must be a map of names to text"),
        ("seo_title", "x" * 256, "SEO title too long"),
        ("seo_description", "x" * 501, "SEO description too long"),
        ("stock_quantity", "5", "Stock quantity must be an integer"),
        ("stock_quantity", 1.5, "Stock quantity must be an integer"),
        ("stock_quantity", True, "Stock quantity must be an integer"),
        ("stock_quantity", -1, "Stock quantity cannot be negative"),
        ("stock_quantity", 2**31, "Stock quantity too high (at most 2147483647)"),
        ("track_stock", "yes", "Track stock must be true or false"),
        ("is_active", 1, "Is active must be true or false"),
        ("colour", "red", "Unknown field"),
        ("version", 1, "Unknown field"),
    ],
)
def test_parse_rejects_invalid_values(field: str, value: object, message: str) -> None:
    assert validation_errors(**{field: value}) == [FieldError(field, message)]


def test_maximum_values_are_accepted() -> None:
    changes = parse_changes(
        name="x" * 255,
        slug="x" * 255,
        sku="x" * 100,
        description="x" * 5000,
        details="x" * 50_000,
        price="999999.98",
        compare_at_price="999999.99",
        images=["https://x.example/"] * 50,
        ingredients=["x" * 255] * 50,
        attributes={f"{n:0100}": "x" * 1000 for n in range(50)},
        seo_title="x" * 255,
        seo_description="x" * 500,
        stock_quantity=2**31 - 1,
    )
    assert len(changes.to_draft().attributes) == 50
    assert changes.to_draft().compare_at_price == Decimal("999999.99")


def test_all_errors_are_raised_at_once() -> None:
    errors = validation_errors(
        name="<",
        slug="A",
        price="10.00",
        compare_at_price="9.00",
        stock_quantity=-1,
        ingredients=[],
        colour="red",
    )
    assert {error.field for error in errors} == {
        *("name", "slug", "compare_at_price", "stock_quantity", "ingredients", "colour"),
    }
    assert len(errors) == 6


def test_missing_required_fields_are_reported_with_other_errors() -> None:
    with pytest.raises(ValidationError) as raised:
        ProductChanges.parse({"stock_quantity": -1}, clean_html, required=REQUIRED_FIELDS)
    assert {error.message for error in raised.value.errors} == {
        "Name is required",
        "Description is required",
        "Details is required",
        "At least one ingredient is required",
        "Price is required",
        "Stock quantity cannot be negative",
    }


def test_parse_normalises_text_and_keeps_prices_exact() -> None:
    changes = parse_changes(
        name="  Cafe\u0301 \n Bar ",
        description="a\r\nb\tc ",
        details="<p onclick='x'>e&#x301;<script>x</script></p>",
        price="24.990",
        compare_at_price=Decimal(30),
        ingredients=[" egg  white ", "egg white"],
        attributes={" protein ": " 80\u00a0g "},
    )
    assert changes.name == "Café Bar"
    assert changes.description == "a\nb c"
    assert changes.details == "<p>é</p>"
    assert (str(changes.price), str(changes.compare_at_price)) == ("24.99", "30.00")
    assert changes.ingredients == ("egg white", "egg white")
    assert changes.attributes == {"protein": "80 g"}


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_blank_optional_fields_become_none(blank: object) -> None:
    changes = parse_changes(
        sku=blank, compare_at_price=blank, seo_title=blank, seo_description=blank
    )
    assert changes == ProductChanges(
        sku=None, compare_at_price=None, seo_title=None, seo_description=None
    )


def test_images_are_urls_with_optional_alt_text() -> None:
    changes = parse_changes(
        images=[
            "https://x.example/1.jpg",
            {"ref": "https://x.example/2.jpg"},
            {"ref": "https://x.example/3.jpg", "alt": " A  tin "},
            {"ref": "https://x.example/4.jpg", "alt": ""},
        ]
    )
    assert changes.images == (
        Image("https://x.example/1.jpg"),
        Image("https://x.example/2.jpg"),
        Image("https://x.example/3.jpg", "A tin"),
        Image("https://x.example/4.jpg"),
    )


def test_omitted_fields_are_unset() -> None:
    changes = parse_changes(name="New")
    assert changes == ProductChanges(name="New")
    assert changes.is_unset("price")
    assert not changes.is_unset("name")
    assert repr(changes.price) == "UNSET"
    assert changes.price is UNSET


@pytest.mark.parametrize("read_only_field", sorted(READ_ONLY_FIELDS))
def test_read_only_fields_are_rejected_or_ignored(
    read_only_field: str,
) -> None:
    values = {"name": "New", read_only_field: "anything"}
    assert ProductChanges.parse(
        values, clean_html, read_only=READ_ONLY_FIELDS, ignore=READ_ONLY_FIELDS
    ) == parse_changes(name="New")
    with pytest.raises(ValidationError) as raised:
        ProductChanges.parse(values, clean_html, read_only=READ_ONLY_FIELDS)
    assert raised.value.errors == (FieldError(read_only_field, "Cannot be set here"),)


def test_draft_requires_name_and_price() -> None:
    assert parse_changes(name="Egg", price=5).to_draft() == ProductDraft(
        name="Egg", price=Decimal(5)
    )
    with pytest.raises(ValidationError) as raised:
        parse_changes(slug="egg").to_draft()
    assert raised.value.errors == (
        FieldError("name", "Name is required"),
        FieldError("price", "Price is required"),
    )


def test_change_increments_the_version() -> None:
    changed = parse_changes(name="New", sku="").apply_to(PRODUCT, LATER)
    assert changed == evolve(PRODUCT, name="New", sku=None, version=5, updated_at=LATER)


def test_change_without_effect_keeps_the_version() -> None:
    unchanged = parse_changes(
        name=" Egg  White ", price="24.990", attributes={"protein": "80 g", "fat": "1 g"}
    )
    assert unchanged.apply_to(PRODUCT, LATER) is PRODUCT


def test_reordering_attributes_is_a_change() -> None:
    reordered = parse_changes(attributes={"fat": "1 g", "protein": "80 g"}).apply_to(PRODUCT, LATER)
    assert list(reordered.attributes) == ["fat", "protein"]
    assert reordered.version == 5


@pytest.mark.parametrize("values", [{"price": "30.00"}, {"compare_at_price": "24.99"}])
def test_changed_price_is_compared_with_the_stored_one(
    values: dict[str, object],
) -> None:
    with pytest.raises(ValidationError) as raised:
        parse_changes(**values).apply_to(PRODUCT, LATER)
    assert raised.value.errors == (COMPARE_AT_ERROR,)


def test_both_prices_can_change_and_compare_at_price_can_be_removed() -> None:
    changed = parse_changes(price="40", compare_at_price="50").apply_to(PRODUCT, LATER)
    assert (changed.price, changed.compare_at_price) == (Decimal(40), Decimal(50))
    assert parse_changes(price="40", compare_at_price=None).apply_to(PRODUCT, LATER).price == 40


@given(strategies.products())
def test_stored_product_can_be_written_again_unchanged(
    values: dict[str, object],
) -> None:
    draft = ProductChanges.parse(values, clean_html, required=REQUIRED_FIELDS).to_draft()
    round_trip = {name: getattr(draft, name) for name in fields_dict(ProductDraft)}
    if draft.slug is None:
        del round_trip["slug"]
    del round_trip["images"], round_trip["variants"], round_trip["categories"]
    assert (
        ProductChanges.parse(round_trip, clean_html, required=REQUIRED_FIELDS).to_draft() == draft
    )


@given(strategies.edits())
def test_applying_an_edit_twice_changes_nothing(
    values: dict[str, object],
) -> None:
    edit = parse_changes(**values)
    changed = edit.apply_to(evolve(PRODUCT, compare_at_price=None), LATER)
    assert edit.apply_to(changed, LATER) is changed
    assert changed.version in {4, 5}


def test_tags_keep_their_order_without_blanks_and_repetitions() -> None:
    tags = [" vegan ", "", None, "Été", "VEGAN", "ete", "new"] + ["vegan"] * 300
    assert parse_changes(tags=tags).tags == ("vegan", "Été", "new")
    assert parse_changes(tags=None).tags == ()
    limit = [str(number) for number in range(250)]
    assert parse_changes(tags=limit).tags == tuple(limit)


@pytest.mark.parametrize("name", ["Hoodie | Black", "Poster [A3]", "a\\b {c} ^d~ `e`"])
def test_names_may_have_any_sign_but_angle_brackets(name: str) -> None:
    assert parse_changes(name=name).name == name


@pytest.mark.parametrize(
    ("stock", "tracked", "in_stock"),
    [(1, True, True), (0, True, False), (0, False, True), (1, False, True)],
)
def test_untracked_stock_is_always_in_stock(
    stock: int,
    tracked: bool,  # noqa: FBT001  (a parameter of a test)
    in_stock: bool,  # noqa: FBT001  (a parameter of a test)
) -> None:
    assert evolve(PRODUCT, stock_quantity=stock, track_stock=tracked).in_stock is in_stock


def test_listed_product_has_all_fields_except_details_and_attributes() -> None:
    listed = PRODUCT.to_listed()
    assert type(listed) is ListedProduct
    for name in fields_dict(ListedProduct):
        assert getattr(listed, name) == getattr(PRODUCT, name)
    assert not hasattr(listed, "details")
