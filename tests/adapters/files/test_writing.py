"""Export of products in each format, and import of the exported files."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from attrs import asdict, evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.files import FORMATS, NhHtmlCleaner, read_products, write_products
from eggypro_adapters.files.cell_parsers import FIELD_PARSERS
from eggypro_adapters.files.own_csv.columns import VARIANT_COLUMNS
from eggypro_adapters.files.writing import WRITERS
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import (
    CatalogSnapshot,
    ImportEntry,
    ImportOptions,
    ImportReport,
)
from eggypro_core.errors import ValidationError
from eggypro_core.services.products import ProductService
from eggypro_core.shop import Shop
from tests.support.builders import make_shop
from tests.support.product_files import without_ids

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

SHOP_FORMATS = ("shopify", "woocommerce")


def make_catalog(*values: Mapping[str, object]) -> ProductService:
    catalog = ProductService(
        MemoryProductStore(),
        NhHtmlCleaner(),
        lambda: NOON,
        reader=read_products,
        writer=write_products,
    )
    catalog.import_products(
        (ImportEntry(1, record) for record in values), ImportOptions(keep_going=True)
    )
    return catalog


def export_file(catalog: ProductService, form: str) -> bytes:
    stream = io.BytesIO()
    report = catalog.export_file(stream, file_format=form)
    assert report.exported == len(stored_products(catalog))
    return stream.getvalue()


def import_file(catalog: ProductService, file: bytes, form: str = "auto") -> ImportReport:
    report = catalog.import_file(io.BytesIO(file), file_format=form)
    assert report.refused == ()
    return report


def stored_products(catalog: ProductService) -> list[Product]:
    """Return all products without the values that no file has."""
    with catalog.export_products() as export:
        return [without_ids(product) for product in export.products]


def table(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def rows_with(rows: Iterable[Mapping[str, str]], *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


EGG: dict[str, Any] = {
    "name": "Egg & White",
    "slug": "egg",
    "description": "Good\nand <pure>",
    "details": "<p>Five\neggs</p>",
    "ingredients": ["egg", "a|b"],
    "attributes": {"Vendor": "Hen", "Tags": "a, b", "Weight": "500 g", "Fat": "1, 2"},
    "images": [{"ref": "https://x.y/1,2.jpg", "alt": "A tin"}, "https://x.y/2.jpg"],
    "seo_title": "=Eggs",
    "sku": "E",
    "variants": [
        {
            "options": {"Size": "1 kg", "Taste": "Choco, dark"},
            "price": "20",
            "compare_at_price": "25",
            "sku": "E-1",
            "stock_quantity": 3,
            "image": "https://x.y/2.jpg",
        },
        {"options": {"Size": "2 kg"}, "price": "30.50", "track_stock": False},
        {"options": {"Size": "3 kg"}, "price": "40", "is_active": False, "sku": "E-3"},
    ],
}
HAM: dict[str, Any] = {"name": "Ham", "slug": "ham", "price": "5", "is_active": False}


def test_every_format_of_whole_products_can_be_written() -> None:
    assert {"auto", "shopify-inventory", *WRITERS} == set(FORMATS)
    with pytest.raises(ValidationError, match="Format must be one of"):
        write_products(CatalogSnapshot((), iter(())), io.BytesIO(), file_format="auto")


def test_every_field_that_can_be_read_is_written() -> None:
    columns = FIELD_PARSERS.keys() - {"variants"} | VARIANT_COLUMNS.keys()
    assert table(export_file(make_catalog(HAM), "eggypro-csv"))[0].keys() == columns
    assert json.loads(export_file(make_catalog(HAM), "jsonl")).keys() == FIELD_PARSERS.keys()


def test_own_csv_has_a_row_for_each_variant() -> None:
    rows = table(export_file(make_catalog(EGG, HAM), "eggypro-csv"))
    names = ("slug", "name", "options", "sku", "price", "track_stock", "is_active", "position")
    assert rows_with(rows, *names) == [
        ("egg", "Egg & White", "", "E", "20.00", "false", "true", ""),
        ("egg", "", "Size=1 kg | Taste=Choco, dark", "E-1", "20.00", "true", "true", "0"),
        ("egg", "", "Size=2 kg", "", "30.50", "false", "true", "1"),
        ("egg", "", "Size=3 kg", "E-3", "40.00", "false", "false", "2"),
        ("ham", "Ham", "", "", "5.00", "false", "false", ""),
    ]
    egg = rows[0]
    assert egg["attributes"] == "Vendor=Hen | Tags=a, b | Weight=500 g | Fat=1, 2"
    assert egg["ingredients"] == '["egg","a|b"]'
    assert json.loads(egg["images"]) == [
        {"ref": "https://x.y/1,2.jpg", "alt": "A tin"},
        "https://x.y/2.jpg",
    ]


def test_losses_of_a_format_are_counted() -> None:
    catalog, stream = make_catalog(EGG, HAM), io.BytesIO()
    assert catalog.export_file(stream, file_format="jsonl").warnings == ()
    report = catalog.export_file(stream, file_format="shopify")
    assert report.exported == 2
    [warning] = report.warnings
    assert warning.startswith("Not exported: ")
    assert "archived variants (1 product)" in warning


def test_a_feed_has_the_listed_products_with_links_and_currency() -> None:
    catalog, stream = make_catalog(EGG | {"variants": [], "price": "1"}, HAM), io.BytesIO()
    with catalog.export_products() as export:
        report = write_products(
            export,
            stream,
            file_format="google",
            currency="EUR",
            storefront_url="https://shop.example",
        )
    header, egg = csv.reader(io.StringIO(stream.getvalue().decode()), delimiter="\t")
    item = dict(zip(header, egg, strict=True))
    assert (item["price"], item["link"]) == ("1.00 EUR", "https://shop.example/products/egg")
    assert report.exported == 1
    assert report.warnings[0].startswith("Left out: products that are archived, not listed")
    report = catalog.export_file(stream, file_format="google")
    assert "links (APP_URL is not set)" in report.warnings[1]


def test_jsonl_has_one_product_per_line() -> None:
    first, second = map(json.loads, export_file(make_catalog(EGG, HAM), "jsonl").splitlines())
    assert (first["slug"], second["slug"]) == ("egg", "ham")
    assert first["price"] == "20.00"
    assert first["variants"][1] == {
        "sku": None,
        "gtin": None,
        "weight_grams": None,
        "options": {"Size": "2 kg"},
        "price": "30.50",
        "compare_at_price": None,
        "stock_quantity": 0,
        "track_stock": False,
        "image": None,
        "position": 1,
        "is_active": True,
    }
    assert second["variants"] == []


@pytest.mark.parametrize("form", WRITERS)
def test_empty_catalogue_is_written_as_a_header_or_nothing(form: str) -> None:
    assert len(export_file(make_catalog(), form).splitlines()) == (0 if form == "jsonl" else 1)


OPTIONS = st.dictionaries(st.sampled_from(["Size", "Colour", "=x"]), strategies.lines(), min_size=1)


@st.composite
def variant_records(draw: st.DrawFn) -> dict[str, object]:
    optional = {
        "stock_quantity": strategies.stocks,
        "track_stock": st.booleans(),
        "position": st.integers(0, 5),
        "gtin": strategies.blank_or(strategies.gtins),
        "weight_grams": st.none() | strategies.weights,
        "is_active": st.booleans(),
        "image": st.sampled_from([None, "https://x.y/1.jpg"]),
    }
    values = draw(st.fixed_dictionaries({"options": OPTIONS}, optional=optional))
    return values | draw(strategies.prices())


VARIANTS = st.lists(variant_records(), max_size=4)
FORMULAS = st.sampled_from(["", "=1", "'=1", "''-1", "'it's", "@", "+x'"])


@st.composite
def product_records(draw: st.DrawFn) -> dict[str, object]:
    values = draw(strategies.products())
    if draw(st.booleans()):
        values["variants"] = draw(VARIANTS)
    if formula := draw(FORMULAS):
        values["description"] = formula
        values["attributes"] = {formula: formula}
    return values


CATALOGUES = st.lists(product_records(), max_size=4)


def shop_with_categories(
    *drafts: CategoryDraft, values: Iterable[Mapping[str, object]] = ()
) -> Shop:
    """Return a shop with categories, and products that may be in them."""
    shop = make_shop()
    for draft in drafts:
        shop.categories.create(asdict(draft))
    shop.products.import_products(
        (ImportEntry(1, record) for record in values), ImportOptions(keep_going=True)
    )
    return shop


def test_category_details_are_written_once_and_no_later_than_first_use() -> None:
    slugs = [f"c{number:02}" for number in range(70)]
    tree = [CategoryDraft(name="N", slug=slug) for slug in slugs]
    below = CategoryDraft(name="Below", slug="below", parent="c69")
    products = [HAM | {"slug": f"ham{number}"} for number in range(3)]
    products[1]["categories"] = ["below"]
    shop = shop_with_categories(*tree, below, values=products)
    lines = [json.loads(line) for line in export_file(shop.products, "jsonl").splitlines()]
    details = [[category["slug"] for category in line["category_details"]] for line in lines]
    assert [len(slugs) for slugs in details] == [20, 22, 29]
    assert details[1][:2] == ["c69", "below"]
    assert sorted(slug for line in details for slug in line) == ["below", *slugs]
    assert lines[1]["category_details"][1] == {
        "name": "Below",
        "slug": "below",
        "description": None,
        "parent": "c69",
        "is_active": True,
    }


def test_woocommerce_writes_categories_as_paths() -> None:
    tree = [
        CategoryDraft(name="Food, good", slug="f"),
        CategoryDraft(name="Bars & more", slug="b", parent="f"),
        CategoryDraft(name="Old", slug="o", is_active=False),
    ]
    shop = shop_with_categories(*tree, values=[HAM | {"categories": ["o", "b"]}])
    file = export_file(shop.products, "woocommerce")
    cells = [row["Categories"] for row in table(file)]
    assert cells == ["Food\\, good > Bars &amp; more, Old"]
    import_file(shop.products, file)
    assert [category.slug for category in stored_products(shop.products)[0].categories] == [
        "b",
        "o",
    ]
    with shop.products.export_products() as export:
        assert len(export.categories) == 3


@pytest.mark.parametrize("form", SHOP_FORMATS)
@given(values=CATALOGUES)
def test_second_round_trip_of_shop_formats_changes_nothing(
    form: str, values: list[dict[str, object]]
) -> None:
    first = make_catalog()
    import_file(first, export_file(make_catalog(*values), form), form)
    before = stored_products(first)
    report = import_file(first, export_file(first, form), form)
    assert (report.created, report.changed) == (0, 0)
    assert stored_products(first) == before


def test_woocommerce_columns_round_trip() -> None:
    other = make_catalog()
    import_file(other, export_file(make_catalog(EGG, HAM), "woocommerce"))
    egg, ham = stored_products(other)
    assert (egg.name, egg.slug, egg.sku) == ("Egg & White", "egg", "E")
    assert (egg.description, egg.details) == ("Good\nand <pure>", "<p>Five\neggs</p>")
    assert egg.attributes == {
        "Tags": "a, b",
        "Vendor": "Hen",
        "Weight": "500 g",
        "Fat": "1, 2",
    }
    assert [image.ref for image in egg.images] == ["https://x.y/1%2C2.jpg", "https://x.y/2.jpg"]
    assert egg.seo_title == "=Eggs"
    before = stored_products(make_catalog(EGG))[0].variants
    assert egg.variants == before
    assert (ham.is_active, ham.price) == (False, Decimal("5.00"))


@pytest.mark.parametrize("form", ["eggypro-csv", "shopify", "woocommerce"])
def test_formulas_are_escaped(form: str) -> None:
    text = export_file(
        make_catalog(HAM | {"name": "=1+1", "sku": "-1", "seo_title": "@x"}), form
    ).decode()
    assert all(f"'{formula}" in text for formula in ("=1+1", "-1", "@x"))
    assert import_file(make_catalog(), text.encode(), form).created == 1


def test_woocommerce_omits_attributes_beyond_its_maximum() -> None:
    attributes = {f"A{number}": "x" for number in range(30)}
    other = make_catalog()
    import_file(other, export_file(make_catalog(HAM | {"attributes": attributes}), "woocommerce"))
    assert len(stored_products(other)[0].attributes) == 12


@pytest.mark.parametrize("form", WRITERS)
def test_memory_does_not_grow_with_the_number_of_products(form: str) -> None:
    [egg, _] = stored_products(make_catalog(EGG, HAM))
    products = (evolve(egg, id=number) for number in range(3000))
    tracemalloc.start()
    try:
        report = write_products(CatalogSnapshot((), products), NullStream(), file_format=form)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert report.exported == 3000
    assert peak < 2_000_000


class NullStream(io.BytesIO):
    """A stream that discards everything written to it."""

    def write(self, data: "ReadableBuffer", /) -> int:
        return memoryview(data).nbytes
