"""Undo of imports: what nobody touched since is as before; the rest is kept, and listed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from eggypro_core.domain.event_query import EventQuery
from eggypro_core.domain.origin import Source
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import ConflictError, NotFoundError, ValidationError
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, product_values, variant_values
from tests.support.import_strategies import import_files
from tests.support.imports import run_entries, stored_products, variants_of

EGG = "egg"


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    shop.products.create(product_values(slug=EGG, name="Egg", stock_quantity=10))
    return shop


def run_import(shop: Shop, *rows: Mapping[str, Any]) -> int:
    """Import rows, and return the id of their batch."""
    report = run_entries(shop, *(ImportEntry(line, row) for line, row in enumerate(rows, 2)))
    assert report.batch is not None
    return report.batch


def kept(shop: Shop, batch: int) -> list[tuple[str, str, str]]:
    """Undo a batch; return what is kept."""
    expected = shop.events.undo(batch, dry_run=True)
    assert expected.batch is None
    report = shop.events.undo(batch)
    assert evolve(report, batch=None, dry_run=True) == expected
    return [(change.slug, change.field, change.message) for change in report.kept]


def contents(shop: Shop, *, active_only: bool = False) -> dict[str, Any]:
    """Return all products with variants and categories, without versions, times and archived ones.

    With `active_only`, without the archived variants too.
    """

    def plain(product: Product) -> Product:
        times: dict[str, Any] = {"version": 0, "updated_at": product.created_at}
        return evolve(product, **times, variants=(), variant_count=0, has_variants=False)

    return {
        slug: (
            plain(product),
            [
                evolve(variant, version=0)
                for variant in variants_of(shop, slug)
                if variant.is_active or not active_only
            ],
        )
        for slug, product in stored_products(shop.products).items()
        if product.is_active or not active_only
    }


def test_fields_get_their_former_values(shop: Shop) -> None:
    before = contents(shop)
    row = {"slug": EGG, "name": "New", "price": "9.00", "brand": "Hen", "tags": ["a", "b"]}
    batch = run_import(shop, {**row, "description": "Long" * 200, "attributes": {"B": "1"}})
    assert contents(shop) != before
    assert not kept(shop, batch)
    assert contents(shop) == before


def test_a_created_product_is_archived(shop: Shop) -> None:
    batch = run_import(shop, {"slug": "new", "name": "New", "price": "1.00"})
    shop.products.adjust_stock("new", 3)  # stock does not count
    assert not kept(shop, batch)
    assert not shop.products.get("new", Status.ALL).is_active


def test_what_was_changed_since_is_kept(shop: Shop) -> None:
    batch = run_import(
        shop,
        {"slug": EGG, "name": "Imported", "price": "9.00"},
        {"slug": "new", "name": "New", "price": "1.00"},
    )
    shop.products.update(EGG, {"name": "Edited"})
    shop.products.update("new", {"seo_title": "Edited"})
    assert sorted(kept(shop, batch)) == [
        (EGG, "name", "Changed since"),
        ("new", "", "Changed since"),
    ]
    product = shop.products.get(EGG)
    assert (product.name, product.price) == ("Edited", Decimal("24.99"))
    assert shop.products.get("new").is_active


def test_stock_is_taken_back_by_difference(shop: Shop) -> None:
    batch = run_import(shop, {"slug": EGG, "name": "Egg", "price": "24.99", "stock_quantity": 50})
    shop.products.adjust_stock(EGG, -5)
    assert not kept(shop, batch)
    assert shop.products.get(EGG).stock_quantity == 5


def test_stock_never_falls_below_zero(shop: Shop) -> None:
    batch = run_import(shop, {"slug": EGG, "name": "Egg", "price": "24.99", "stock_quantity": 50})
    shop.products.adjust_stock(EGG, -45)
    message = "35 of the difference have been sold since"
    assert kept(shop, batch) == [(EGG, "stock_quantity", message)]
    assert shop.products.get(EGG).stock_quantity == 0


def test_what_was_deleted_permanently_is_listed(shop: Shop) -> None:
    batch = run_import(shop, {"slug": EGG, "name": "New", "price": "9.00"})
    shop.products.delete(EGG)
    assert kept(shop, batch) == [(EGG, "", "Deleted permanently")]


def test_a_slug_and_a_sku_that_are_taken_since_are_kept(shop: Shop) -> None:
    shop.products.update(EGG, {"sku": "A"})
    batch = run_import(shop, {"slug": EGG, "name": "Egg", "price": "24.99", "sku": "B"})
    shop.products.create(product_values(slug="other", sku="A"))
    message = "Another product has the SKU 'A' now"
    assert kept(shop, batch) == [(EGG, "sku", message)]
    assert shop.products.get(EGG).sku == "B"


def test_products_get_swapped_skus_back(shop: Shop) -> None:
    shop.products.update(EGG, {"sku": "A"})
    shop.products.create(product_values(slug="other", name="Other", sku="B"))
    before = contents(shop)
    row = {"price": "24.99"}
    batch = run_import(
        shop,
        {**row, "slug": EGG, "name": "Egg", "sku": "B"},
        {**row, "slug": "other", "name": "Other", "sku": "A"},
    )
    assert shop.products.get(EGG).sku == "B"
    assert not kept(shop, batch)
    assert contents(shop) == before


def test_variants(shop: Shop) -> None:
    first = shop.variants.create(EGG, variant_values(options={"Size": "S"}, stock_quantity=4))
    before = contents(shop)
    variants = [
        {"options": {"Size": "S"}, "price": "5.00", "stock_quantity": 9},
        {"options": {"Size": "M"}, "price": "6.00"},
    ]
    batch = run_import(shop, {"slug": EGG, "name": "Egg", "variants": variants})
    shop.variants.adjust_stock(EGG, first.id, -1)
    assert not kept(shop, batch)
    [restored, archived] = variants_of(shop, EGG)
    assert (restored.price, restored.stock_quantity) == (Decimal("24.99"), 3)
    assert (archived.options, archived.is_active) == ({"Size": "M"}, False)
    shop.variants.set_stock(EGG, first.id, 4)
    assert contents(shop, active_only=True) == before


def test_a_created_variant_that_was_changed_since_is_kept(shop: Shop) -> None:
    shop.variants.create(EGG, variant_values(options={"Size": "S"}))
    variants = [{"options": {"Size": size}, "price": "24.99"} for size in "SM"]
    batch = run_import(shop, {"slug": EGG, "name": "Egg", "variants": variants})
    [_, created] = variants_of(shop, EGG)
    shop.variants.update(EGG, created.id, {"price": "7.00"})
    assert kept(shop, batch) == [(EGG, "variants", "Changed since: Egg (Size: M)")]


def test_categories(shop: Shop) -> None:
    shop.categories.create({"name": "Food"})
    shop.categories.link(EGG, "food")
    row = {"slug": EGG, "name": "Egg", "price": "24.99", "categories": ["bars"]}
    report = run_entries(shop, ImportEntry(2, row | {"categories": ["food"]}))
    assert report.batch is None
    batch = run_import(shop, {**row, "categories": []})
    assert not kept(shop, batch)
    assert [category.slug for category in shop.products.get(EGG).categories] == ["food"]


def test_an_undo_can_be_undone(shop: Shop) -> None:
    batch = run_import(
        shop,
        {"slug": EGG, "name": "New", "price": "9.00", "stock_quantity": 20},
        {"slug": "new", "name": "Newest", "price": "1.00"},
    )
    after = contents(shop)
    report = shop.events.undo(batch)
    assert (report.reverted, report.dry_run) == (2, False)
    assert report.batch is not None
    stored = shop.events.get_batch(report.batch)
    assert (stored.origin.source, stored.origin.reason) == (Source.IMPORT, f"undo of {batch}")
    assert not kept(shop, report.batch)
    assert contents(shop) == after


def test_other_batches_cannot_be_undone(shop: Shop) -> None:
    [event] = shop.events.list(EventQuery()).items
    with pytest.raises(ConflictError, match="only imports"):
        shop.events.undo(event.batch_id)
    with pytest.raises(NotFoundError):
        shop.events.undo(event.batch_id + 100)


def test_a_batch_can_be_too_large_for_a_request(shop: Shop) -> None:
    rows = [{"slug": f"p-{number}", "name": "P", "price": "1.00"} for number in range(3)]
    batch = run_import(shop, *rows)
    with pytest.raises(ValidationError, match=f"eggypro undo {batch}"):
        shop.events.undo(batch, max_subjects=2)
    assert shop.events.undo(batch, max_subjects=3).reverted == 3


@given(import_files, import_files)
def test_an_undone_import_leaves_what_was_before(
    existing: list[ImportEntry], file: list[ImportEntry]
) -> None:
    shop = make_shop()
    run_entries(shop, *existing, keep_going=True)
    before = contents(shop, active_only=True)
    report = run_entries(shop, *file, keep_going=True)
    if report.batch is None:
        return
    undo = shop.events.undo(report.batch)
    after = contents(shop, active_only=True)
    reported = {change.slug for change in undo.kept}
    for slug, content in before.items():
        if slug not in reported:
            assert after[slug] == content
    assert not {*after} - {*before} - reported
