import io
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.files import read_products, write_products
from eggypro_adapters.files.woocommerce.export import exported_values, lost_fields
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import CategoryName, Image, Product
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry
from eggypro_core.domain.variant import Variant

EGG = Product(
    id=7,
    name="Egg & White",
    slug="egg",
    sku="E",
    gtin="40170725",
    brand="Hen, brown > all",
    tags=("a, b", "c\\"),
    weight_grams=1250,
    description="Good\n\nand pure",
    details="",
    price=Decimal("2.00"),
    compare_at_price=Decimal("3.00"),
    images=(Image("https://x.y/1.jpg", "A tin"), Image("https://x.y/2.jpg")),
    ingredients=("egg",),
    attributes={"Fat": "1, 2", "Vendor": "a\\n"},
    seo_title="=Eggs",
    seo_description=None,
    stock_quantity=3,
    track_stock=True,
    is_active=True,
    is_listed=False,
    created_at=NOON,
    updated_at=NOON,
    version=1,
)
SMALL = Variant(
    id=1,
    sku="E-1",
    gtin="40170725",
    weight_grams=1,
    options={"Size": "1 kg", "Taste": "Choco, dark"},
    price=Decimal("20.00"),
    compare_at_price=None,
    stock_quantity=0,
    track_stock=True,
    image="https://x.y/2.jpg",
    position=3,
    is_active=False,
)
BIG = evolve(SMALL, id=2, sku=None, options={"Taste": "A\\"}, position=1, track_stock=False)


def export(*products: Product, categories: tuple[CategoryDraft, ...] = ()) -> bytes:
    stream = io.BytesIO()
    write_products(CatalogSnapshot(categories, iter(products)), stream, file_format="woocommerce")
    return stream.getvalue()


def entries(*products: Product, categories: tuple[CategoryDraft, ...] = ()) -> list[ImportEntry]:
    file = read_products(io.BytesIO(export(*products, categories=categories)))
    assert file.format == "woocommerce"
    assert file.exported_values is exported_values
    return list(file.entries)


def read_again(product: Product) -> dict[str, Any]:
    entry = entries(product)[0]
    assert (entry.errors, entry.source_id) == ((), None)
    assert entry.values is not None
    values = dict(entry.values)
    del values["categories"]
    return values


def test_product_without_variants_comes_back_equal() -> None:
    assert read_again(EGG) == {
        "name": "Egg & White",
        "slug": "egg",
        "sku": "E",
        "gtin": "40170725",
        "brand": "Hen, brown > all",
        "tags": ["a, b", "c\\"],
        "weight_grams": "1250",
        "description": "Good\n\nand pure",
        "details": "",
        "price": "2.00",
        "compare_at_price": "3.00",
        "images": [
            {"ref": "https://x.y/1.jpg"},
            {"ref": "https://x.y/2.jpg"},
        ],
        "attribute_edits": {"Fat": "1, 2", "Vendor": "a\\n"},
        "seo_title": "=Eggs",
        "seo_description": None,
        "stock_quantity": 3,
        "track_stock": True,
        "is_active": True,
        "is_listed": False,
    }
    (entry,) = entries(EGG)
    assert entry.has_no_variants


def test_variants_come_back_equal_with_archived_ones() -> None:
    product = evolve(EGG, variants=(BIG, SMALL), has_variants=True, is_active=False)
    values = read_again(product)
    assert not {"price", "stock_quantity", "track_stock"} & values.keys()
    assert values["is_active"] is False
    assert values["variants"] == [
        {
            "options": {"Taste": "A\\"},
            "sku": None,
            "gtin": "40170725",
            "weight_grams": "1",
            "price": "20.00",
            "compare_at_price": None,
            "track_stock": False,
            "image": "https://x.y/2.jpg",
            "position": 1,
            "is_active": False,
        },
        {
            "options": {"Size": "1 kg", "Taste": "Choco, dark"},
            "sku": "E-1",
            "gtin": "40170725",
            "weight_grams": "1",
            "price": "20.00",
            "compare_at_price": None,
            "stock_quantity": 0,
            "track_stock": True,
            "image": "https://x.y/2.jpg",
            "position": 3,
            "is_active": False,
        },
    ]


def test_categories_come_back_as_paths() -> None:
    tree = (
        CategoryDraft(name="Food, good", slug="f"),
        CategoryDraft(name="Bars & more\\", slug="b", parent="f"),
        CategoryDraft(name="Old &gt; new", slug="o", is_active=False),
    )
    product = evolve(EGG, categories=(CategoryName("b", "Bars"), CategoryName("o", "Old")))
    (entry,) = entries(product, categories=tree)
    assert entry.values is not None
    assert entry.values["categories"] == [["Food, good", "Bars & more\\"], ["Old &gt; new"]]


def test_lost_fields() -> None:
    assert lost_fields(EGG) == ["ingredients", "alt texts of images"]
    bare = evolve(EGG, ingredients=(), images=())
    assert lost_fields(bare) == []
    many = evolve(bare, attributes={f"A{number}": "x" for number in range(13)})
    assert lost_fields(many) == ["attributes after the first 12"]
    assert len(read_again(many)["attribute_edits"]) == 12
    same_name = evolve(bare, attributes={"Size": "x"}, variants=(SMALL,))
    assert lost_fields(same_name) == ["attributes with the name of an option"]
    untracked = evolve(bare, track_stock=False)
    assert lost_fields(untracked) == ["quantities of stock that is not tracked"]


@pytest.mark.parametrize("word", ["%%title%%", "Choose one"])
def test_every_value_that_is_read_again_is_an_exported_value(word: str) -> None:
    product = evolve(EGG, seo_title=word, variants=(SMALL,))
    assert exported_values(product) == read_again(product)


TEXTS = strategies.lines().map(lambda text: " ".join(text.split()))
AMOUNTS = strategies.amounts("0.01", "10.00")
COMPARE_AT = st.none() | strategies.amounts("10.01", "20.00")
OFFER: Mapping[str, st.SearchStrategy[Any]] = {
    "sku": st.none() | TEXTS,
    "gtin": st.none() | strategies.gtins,
    "weight_grams": st.none() | strategies.weights,
    "price": AMOUNTS,
    "compare_at_price": COMPARE_AT,
    "stock_quantity": strategies.stocks,
    "track_stock": st.booleans(),
    "is_active": st.booleans(),
}
VARIANTS = st.lists(
    st.fixed_dictionaries(
        {
            **OFFER,
            "options": st.dictionaries(
                st.sampled_from(["Size", "Colour", "=x", "a,b", "c\\"]), TEXTS, min_size=1
            ),
            "image": st.sampled_from([None, "https://x.y/1.jpg"]),
            "position": st.integers(0, 5),
        }
    ),
    max_size=4,
    unique_by=lambda values: tuple(sorted(values["options"].items())),
)
PRODUCTS = st.fixed_dictionaries(
    {
        **OFFER,
        "name": TEXTS.filter(lambda text: not set(text) & set("<>")),
        "slug": strategies.slugs,
        "brand": st.none() | TEXTS,
        "tags": st.lists(TEXTS, max_size=3).map(tuple),
        "description": strategies.lines(),
        "details": strategies.html,
        "attributes": st.dictionaries(TEXTS, TEXTS, max_size=14),
        "seo_title": st.none() | TEXTS,
        "seo_description": st.none() | TEXTS,
        "is_listed": st.booleans(),
    }
)


@given(PRODUCTS, VARIANTS)
def test_any_product_comes_back_with_its_exported_values(
    values: dict[str, Any], variant_values: list[dict[str, Any]]
) -> None:
    variants = tuple(Variant(id=number, **each) for number, each in enumerate(variant_values))
    product = evolve(EGG, **values, variants=variants)
    again = read_again(product)
    assert again == exported_values(product)
    plain = ("name", "slug", "sku", "gtin", "is_active", "is_listed")
    assert {name: again[name] for name in plain} == {name: values[name] for name in plain}
    assert again["brand"] == values["brand"]
    assert [variant["options"] for variant in again.get("variants", ())] == [
        variant.options for variant in sorted(variants, key=lambda variant: variant.position)
    ]
