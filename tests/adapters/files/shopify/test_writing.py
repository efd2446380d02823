"""Export to Shopify's CSV, and import of the exported file."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.files import read_products, write_products
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.shopify.export import exported_values, lost_fields
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry, ImportOptions
from tests.support.builders import make_shop

EGG: dict[str, Any] = {
    "name": "Egg & White",
    "slug": "egg",
    "description": "Five\neggs",
    "details": "<p>Five<br>eggs</p>",
    "price": "5",
    "brand": "Hen",
    "tags": ["a", "b"],
    "gtin": "4006381333931",
    "weight_grams": 500,
    "attributes": {"Type": "Food", "Product Category": "Eggs > White"},
    "images": [{"ref": "https://x.y/1.jpg", "alt": "A tin"}, "https://x.y/2.jpg"],
    "seo_title": "=Eggs",
    "sku": "'0012",
    "stock_quantity": 0,
}
VARIANTS: list[dict[str, Any]] = [
    {
        "options": {"Size": "1 kg", "Taste": "Choco, dark"},
        "price": "20",
        "compare_at_price": "25",
        "sku": "E-1",
        "gtin": "12345670",
        "stock_quantity": 3,
        "image": "https://x.y/2.jpg",
    },
    {
        "options": {"Size": "2 kg"},
        "price": "30.50",
        "track_stock": False,
        "weight_grams": 2000,
        "position": 7,
    },
    {"options": {"Size": "3 kg"}, "price": "40", "is_active": False, "sku": "E-3"},
]


def stored(*values: Mapping[str, object]) -> list[Product]:
    """Return the products of a shop with these values."""
    products = make_shop().products
    report = products.import_products(ImportEntry(1, record) for record in values)
    assert report.refused == ()
    with products.export_products() as export:
        return list(export.products)


def export(*products: Product) -> bytes:
    stream = io.BytesIO()
    write_products(CatalogSnapshot((), iter(products)), stream, file_format="shopify")
    return stream.getvalue()


def read(*products: Product) -> list[ImportEntry]:
    return list(read_products(io.BytesIO(export(*products))).entries)


def rows(product: Product, *names: str) -> list[tuple[str, ...]]:
    table = csv.DictReader(io.StringIO(export(product).decode(), newline=""))
    return [tuple(row[name] for name in names) for row in table]


def test_product_without_variants() -> None:
    (egg,) = stored(EGG)
    assert read(egg) == [
        ImportEntry(
            2,
            {
                "slug": "egg",
                "name": "Egg & White",
                "details": "<p>Five<br>eggs</p>",
                "description": "Five\neggs",
                "brand": "Hen",
                "tags": ["a", "b"],
                "gtin": "4006381333931",
                "weight_grams": "500",
                "sku": "'0012",
                "price": "5.00",
                "compare_at_price": None,
                "stock_quantity": 0,
                "track_stock": True,
                "is_active": True,
                "is_listed": True,
                "seo_title": "=Eggs",
                "seo_description": None,
                "images": [
                    {"ref": "https://x.y/1.jpg", "alt": "A tin"},
                    {"ref": "https://x.y/2.jpg", "alt": None},
                ],
                "attribute_edits": {"Type": "Food", "Product Category": "Eggs > White"},
            },
            has_no_variants=True,
        )
    ]
    assert lost_fields(egg) == []


def test_a_row_per_active_variant_and_per_image() -> None:
    egg, ham = stored(
        EGG | {"variants": VARIANTS, "sku": None},
        {"name": "Ham", "slug": "ham", "price": "5", "is_active": False},
    )
    names = ("URL handle", "Title", "Status", "Option1 name", "Option1 value", "Price")
    assert rows(egg, *names) == [
        ("egg", "Egg & White", "active", "Size", "1 kg", "20.00"),
        ("egg", "", "", "", "2 kg", "30.50"),
    ]
    assert rows(ham, *names) == [("ham", "Ham", "archived", "Title", "Default Title", "5.00")]


def test_variants() -> None:
    (egg,) = stored(EGG | {"variants": VARIANTS})
    (entry,) = read(egg)
    assert entry.values is not None
    assert entry.values["variants"] == [
        {
            "options": {"Size": "1 kg", "Taste": "Choco, dark"},
            "price": "20.00",
            "compare_at_price": "25.00",
            "sku": "E-1",
            "gtin": "12345670",
            "weight_grams": "500",
            "stock_quantity": 3,
            "track_stock": True,
            "image": "https://x.y/2.jpg",
            "position": 0,
            "is_active": True,
        },
        {
            "options": {"Size": "2 kg"},
            "price": "30.50",
            "compare_at_price": None,
            "sku": None,
            "gtin": None,
            "weight_grams": "2000",
            "stock_quantity": 0,
            "track_stock": False,
            "image": None,
            "position": 1,
            "is_active": True,
        },
    ]
    assert not {"sku", "gtin", "price", "weight_grams"} & entry.values.keys()
    assert lost_fields(egg) == ["archived variants", "SKUs and GTINs of products with variants"]


OPTIONS = {f"Option {letter}": "x" for letter in "ABCD"}


@pytest.mark.parametrize(
    "variant",
    [VARIANTS[2], {"options": OPTIONS, "price": "2"},
     {"options": {"Title": "Default Title"}, "price": "2"},
     {"options": {"Size": "S", "size": "M"}, "price": "2"}],
    ids=["archived", "four options", "default title", "same names"],
)  # fmt: skip
def test_variants_that_cannot_be_written_leave_a_product_row(variant: dict[str, object]) -> None:
    (egg,) = stored(EGG | {"variants": [variant]})
    (entry,) = read(egg)
    assert entry.values is not None
    assert "variants" not in entry.values
    assert entry.values["price"] == str(egg.price)
    assert (entry.has_no_variants, entry.variant_lines) == (False, ())
    assert any("variants" in name for name in lost_fields(egg))


@pytest.mark.parametrize(
    ("active", "listed", "cells", "read_values"),
    [
        (True, True, ("TRUE", "active"), (True, True)),
        (True, False, ("TRUE", "unlisted"), (True, False)),
        (False, False, ("FALSE", "archived"), (False, None)),
        (False, True, ("FALSE", "archived"), (False, None)),
    ],
)
def test_status(
    *,
    active: bool,
    listed: bool,
    cells: tuple[str, str],
    read_values: tuple[bool, bool | None],
) -> None:
    (egg,) = stored(EGG | {"is_active": active, "is_listed": listed})
    assert rows(egg, "Published on online store", "Status")[0] == cells
    values = exported_values(egg)
    assert (values["is_active"], values.get("is_listed")) == read_values


@pytest.mark.parametrize("text", ["", "One line", "a < b & c\nsecond\n\nNew paragraph", "'5"])
def test_description_without_details_is_the_body(text: str) -> None:
    (egg,) = stored(EGG | {"description": text, "details": ""})
    assert plain_text(rows(egg, "Description")[0][0]) == text
    assert exported_values(egg)["description"] == text


def test_invalid_barcode_is_exported_from_its_attribute() -> None:
    (egg,) = stored(EGG | {"gtin": None, "attributes": {"Barcode": "'12-3"}})
    assert exported_values(egg)["gtin"] == "'12-3"


def test_lost_fields() -> None:
    (egg,) = stored(
        EGG
        | {"description": "Short", "ingredients": ["egg"], "attributes": {"Protein": "21 g"}}
        | {"tags": ["a, b"], "is_active": False, "is_listed": False}
    )
    assert lost_fields(egg) == [
        "ingredients",
        "descriptions that differ from details",
        "other attributes",
        "commas in tags",
        "visibility of archived products",
    ]


AWKWARD = st.sampled_from(["'5", "''5", "'=1", "=1", "-", "Default Title", "a, b", "5"])
TEXTS = strategies.lines() | AWKWARD
OPTION_NAMES = st.sampled_from(["Size", "Title", "=x", "'1", "Option2"])


@st.composite
def variant_records(draw: st.DrawFn) -> dict[str, object]:
    optional = {
        "stock_quantity": strategies.stocks,
        "track_stock": st.booleans(),
        "position": st.integers(0, 5),
        "is_active": st.booleans(),
        "weight_grams": st.none() | st.integers(0, 5000),
        "image": st.sampled_from([None, "https://x.y/1.jpg", "https://x.y/v.jpg"]),
    }
    options = st.dictionaries(OPTION_NAMES, TEXTS, min_size=1)
    values = draw(st.fixed_dictionaries({"options": options}, optional=optional))
    return values | draw(strategies.prices())


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Draw a product of a shop."""
    values = draw(strategies.products())
    values["variants"] = draw(st.lists(variant_records(), max_size=3))
    text = draw(TEXTS)
    values["attributes"] = {draw(st.sampled_from(["Type", "Barcode", "x"])): text}
    values["seo_description"] = text
    values["images"] = [
        {"ref": f"https://x.y/{number}.jpg", "alt": text}
        for number in range(draw(st.integers(0, 3)))
    ]
    return next(filter(None, (_create(values), _create(values | {"variants": []}))))


def _create(values: Mapping[str, object]) -> Product | None:
    """Return the product of a shop with these values, or None if they are invalid."""
    products = make_shop().products
    products.import_products([ImportEntry(1, values)], ImportOptions(keep_going=True))
    with products.export_products() as export:
        return next(export.products, None)


@given(product=products())
def test_file_has_the_exported_values(product: Product) -> None:
    (entry,) = read(product)
    assert (entry.errors, entry.warnings) == ((), ())
    assert entry.values == exported_values(product)


SAME_FIELDS = ("name", "slug", "brand", "seo_title", "seo_description", "is_active")
OFFER_FIELDS = ("sku", "stock_quantity", "track_stock")


@given(product=products())
def test_exported_values_are_those_of_the_product(product: Product) -> None:
    values: Any = exported_values(product)
    assert [values[name] for name in SAME_FIELDS] == [
        getattr(product, name) for name in SAME_FIELDS
    ]
    images = [{"ref": image.ref, "alt": image.alt} for image in product.images]
    assert values["images"][: len(images)] == images
    active = [variant for variant in product.variants if variant.is_active]
    variants = values.get("variants", [])
    offers: list[tuple[Any, Any]] = [*zip(active, variants, strict=False), (product, values)]
    for item, written in offers:
        if "price" in written:
            assert written["price"] == str(item.price)
            assert [written[name] for name in OFFER_FIELDS] == [
                getattr(item, name) for name in OFFER_FIELDS
            ]
    assert [variant["options"] for variant in variants] in (
        [],
        [dict(variant.options) for variant in active],
    )
