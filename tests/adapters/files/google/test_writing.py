"""Export to Google's feed, and import of the exported feed."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.files import read_products, write_products
from eggypro_adapters.files.category_paths import paths_by_slug
from eggypro_adapters.files.google import writing
from eggypro_adapters.files.google.categories import (
    join_paths,
    path_text,
    split_paths,
)
from eggypro_adapters.files.google.export import exported_values
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import CategoryName, Image, Product
from eggypro_core.domain.product_files import CatalogSnapshot, ImportEntry
from eggypro_core.domain.variant import Variant
from tests.support.rss_feeds import rss_feed

PATHS = paths_by_slug(
    [
        CategoryDraft(name="Food, drinks", slug="food"),
        CategoryDraft(name='"Bars"', slug="bars", parent="food"),
        CategoryDraft(name="Gym", slug="gym"),
    ]
)


def make_product(**changes: Any) -> Product:
    values: dict[str, Any] = {
        "id": 1,
        "name": "Egg white",
        "slug": "egg",
        "sku": None,
        "description": "Pure protein",
        "details": "",
        "price": Decimal("9.00"),
        "compare_at_price": None,
        "images": (),
        "ingredients": (),
        "attributes": {},
        "seo_title": None,
        "seo_description": None,
        "stock_quantity": 0,
        "track_stock": False,
        "is_active": True,
        "created_at": NOON,
        "updated_at": NOON,
        "version": 1,
    }
    return Product(**values | changes)


def make_variant(number: int, options: Mapping[str, str], **changes: Any) -> Variant:
    values: dict[str, Any] = {
        "id": number,
        "sku": None,
        "options": options,
        "price": Decimal("9.00"),
        "compare_at_price": None,
        "stock_quantity": 3,
        "track_stock": True,
        "image": None,
        "position": number,
        "is_active": True,
    }
    return Variant(**values | changes)


def tsv(*products: Product, currency: str = "EUR") -> bytes:
    return b"".join(writing.tsv_lines(products, PATHS, currency=currency))


def rows(*products: Product) -> list[dict[str, str]]:
    text = io.StringIO(tsv(*products).decode(), newline="")
    return list(csv.DictReader(text, delimiter="\t", strict=True))


def read(file: bytes) -> list[ImportEntry]:
    entries = read_products(io.BytesIO(file)).entries
    return [entry for entry in entries if entry.values is not None or entry.errors]


def shirt(*variants: Variant, **changes: Any) -> Product:
    return make_product(slug="shirt", has_variants=True, variants=variants, **changes)


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Draw a product on sale, with or without variants, with awkward texts."""
    texts = strategies.lines()
    price = draw(strategies.amounts())
    attributes = st.sampled_from(["Color", "Size", "MPN", "Condition", "Vendor", "Gender"])
    images = st.sampled_from(["https://x.example/1,2", "https://x.example/3", "shop/egg/a"])
    product = make_product(
        name=" ".join(draw(strategies.names).split()) or "x",
        sku=draw(st.none() | texts),
        gtin=draw(st.none() | strategies.gtins),
        brand=draw(st.none() | texts),
        tags=tuple(draw(st.lists(texts, max_size=3))),
        weight_grams=draw(st.none() | st.integers(0, 10**6)),
        description=draw(st.text(max_size=20).filter(_is_valid_text)),
        details=draw(strategies.html),
        price=price,
        compare_at_price=draw(st.none() | st.just(price + 1)),
        images=tuple(Image(ref) for ref in draw(st.lists(images, unique=True, max_size=3))),
        attributes=draw(st.dictionaries(attributes, texts, max_size=3)),
        stock_quantity=draw(st.integers(0, 2)),
        track_stock=draw(st.booleans()),
        categories=tuple(
            CategoryName(slug, slug)
            for slug in draw(st.lists(st.sampled_from(list(PATHS)), unique=True))
        ),
    )
    return (
        evolve(product, has_variants=True, variants=draw(_variants()))
        if draw(st.booleans())
        else product
    )


def _is_valid_text(text: str) -> bool:
    return not any(0xD800 <= ord(sign) < 0xE000 or sign < " " for sign in text)


@st.composite
def _variants(draw: st.DrawFn) -> tuple[Variant, ...]:
    names = draw(st.lists(st.sampled_from(["Size", "Colour", "Taste, 1"]), unique=True, min_size=1))
    texts = strategies.lines().map(lambda text: " ".join(text.split())).filter(bool)
    options = st.fixed_dictionaries(dict.fromkeys(names, texts))
    drawn = draw(
        st.lists(options, min_size=1, max_size=3, unique_by=lambda item: tuple(item.values()))
    )
    return tuple(
        make_variant(
            number,
            item,
            sku=draw(st.none() | st.just(f"SKU {number}")),
            gtin=draw(st.none() | strategies.gtins),
            weight_grams=draw(st.none() | st.integers(0, 10**6)),
            stock_quantity=draw(st.integers(0, 2)),
            image=draw(st.sampled_from([None, "https://x.example/3"])),
            is_active=number == 0 or draw(st.booleans()),
        )
        for number, item in enumerate(drawn)
    )


@given(products())
def test_an_import_reads_exactly_the_exported_values(product: Product) -> None:
    expected = exported_values(product, PATHS)
    (entry,) = read(tsv(product))
    assert (entry.values, entry.errors, entry.source_id) == (expected, (), None)


@given(products())
def test_an_import_of_rss_reads_no_other_values(product: Product) -> None:
    (entry,) = read(rss_feed([product], PATHS))
    assert is_part(entry.values, exported_values(product, PATHS))
    assert entry.source_id is None


def is_part(part: object, whole: object) -> bool:
    """Return whether maps, at any depth, have the values of `whole`, though not all of them."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and is_part(part[name], whole[name]) for name in part)
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(is_part, part, whole))
    return part == whole


@given(products())
def test_exported_values_are_those_of_the_product(product: Product) -> None:
    values = exported_values(product, PATHS)
    assert (values["slug"], values["name"]) == (product.slug, product.name)
    assert values["categories"] == [list(PATHS[item.slug]) for item in product.categories]
    active = [variant for variant in product.variants if variant.is_active]
    variants: Any = values.get("variants")
    offers = variants if active else [values]
    items: Sequence[Product | Variant] = active or [product]
    for offer, item in zip(offers, items, strict=True):
        assert offer["price"] == str(item.price)
        assert offer["compare_at_price"] == (item.compare_at_price and str(item.compare_at_price))
        assert (offer["gtin"], offer["weight_grams"]) == (item.gtin, item.weight_grams)
        assert offer["sku"] == _one_line(item.sku)
        assert (offer.get("stock_quantity") == 0) is not item.in_stock
    if active:
        assert [offer["options"] for offer in offers] == [dict(item.options) for item in active]
    else:
        edits: Any = values["attribute_edits"]
        kept = {name: text for name, text in edits.items() if text is not None}
        assert kept == {
            name: _one_line(text)
            for name, text in product.attributes.items()
            if name != "Vendor" and not (name == "Condition" and text.lower() == "new")
        }


def _one_line(text: str | None) -> str | None:
    return (
        text
        if text is None
        else " ".join(text.replace("\ufffe", "").replace("\uffff", "").split()) or None
    )


def test_columns_have_the_names_of_google() -> None:
    product = make_product(
        sku="EW-1",
        brand="Hen",
        gtin="4006381333931",
        weight_grams=500,
        price=Decimal("7.50"),
        compare_at_price=Decimal("9.00"),
        images=(Image("https://x.example/1"), Image("https://x.example/2"), Image("local")),
        attributes={"MPN": "M-1", "Fat": "2 g"},
        categories=(CategoryName("bars", "Bars"), CategoryName("gym", "Gym")),
        tags=("new", "vegan"),
    )
    (row,) = rows(product)
    assert {name: cell for name, cell in row.items() if cell} == {
        "id": "EW-1",
        "title": "Egg white",
        "description": "Pure protein",
        "image_link": "https://x.example/1",
        "additional_image_link": "https://x.example/2",
        "availability": "in_stock",
        "price": "9.00 EUR",
        "sale_price": "7.50 EUR",
        "brand": "Hen",
        "gtin": "4006381333931",
        "product_type": '"Food, drinks > ""Bars""","Gym"',
        "shipping_weight": "500 g",
        "condition": "new",
        "mpn": "M-1",
        "slug": "egg",
        "sku": "EW-1",
        "product_tags": "new,vegan",
    }


def test_variants_are_rows_of_one_group() -> None:
    product = shirt(
        make_variant(1, {"Size": "S", "Colour": "Red"}, sku="S-1", image="https://x.example/s"),
        make_variant(2, {"Size": "L", "Colour": "Red"}, stock_quantity=0),
        make_variant(3, {"Size": "M", "Colour": "Red"}, is_active=False),
    )
    names = ("id", "item_group_id", "size", "color", "availability", "image_link")
    assert [tuple(row[name] for name in names) for row in rows(product)] == [
        ("S-1", "shirt", "S", "Red", "in_stock", "https://x.example/s"),
        ("shirt-2", "shirt", "L", "Red", "out_of_stock", ""),
    ]


@pytest.mark.parametrize(
    "product",
    [
        make_product(is_active=False),
        make_product(is_listed=False),
        shirt(make_variant(1, {"Size": "S"}, is_active=False)),
    ],
)
def test_only_products_on_sale_are_in_a_feed(product: Product) -> None:
    assert not rows(product)


def test_values_of_a_product_that_is_not_on_sale_are_known() -> None:
    assert exported_values(make_product(is_active=False))["name"] == "Egg white"
    assert exported_values(shirt(make_variant(1, {"Size": "S"}, is_active=False))) == {}
    assert "categories" not in exported_values(make_product())


def test_fields_that_a_feed_cannot_hold_are_named() -> None:
    assert list(writing.lost_fields(make_product())) == []
    product = shirt(
        make_variant(1, {"Size": "S"}),
        make_variant(2, {"Size": "L"}, is_active=False),
        sku="S",
        details="<p>Soft</p>",
        ingredients=("wool",),
        seo_title="Shirts",
        stock_quantity=3,
        attributes={"Fat": "2 g", "MPN": "M"},
        images=(Image("https://x.example/1", "A shirt"),),
    )
    assert list(writing.lost_fields(product)) == [
        *("details", "ingredients", "stock quantities", "SEO texts", "alt texts", "attributes"),
        *("archived variants", "SKUs of products with variants"),
    ]


def test_the_export_format_is_google() -> None:
    def snapshot() -> Iterator[Product]:
        yield make_product(categories=(CategoryName("gym", "Gym"),))

    stream = io.BytesIO()
    categories = [CategoryDraft(name="Gym", slug="gym")]
    write_products(CatalogSnapshot(categories, snapshot()), stream, file_format="google")
    (entry,) = read(stream.getvalue())
    assert (entry.values or {})["categories"] == [["Gym"]]
    assert (entry.values or {})["slug"] == "egg"


@pytest.mark.parametrize(
    "paths",
    [[('"E"', "Bars")], [('"E"', "Bars"), ("Gym",)], [("Food, drinks", "Bars"), ("Gym",)]],
)
def test_category_paths_with_quotes_and_commas_are_read_again(paths: list[tuple[str, ...]]) -> None:
    cell = join_paths([path_text(path) for path in paths])
    assert split_paths(cell) == [" > ".join(path) for path in paths]
