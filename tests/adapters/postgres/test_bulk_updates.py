"""Bulk updates in Postgres do what they do in memory."""

from typing import Any

import pytest

from eggypro_adapters.postgres.database import Database
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores, make_shop, product_values, variant_values
from tests.support.imports import stored_products, variants_of

UPDATES: list[dict[str, Any]] = [
    {"price": {"percent": "-20", "ending": "0.99", "keep_as_compare_at": True}},
    {"set": {"brand": "Hen", "attributes": {"Diet": "none"}, "is_active": False}},
    {"add_tags": ["new"], "add_categories": ["sale"], "stock": {"delta": 2}},
]


def shop_of(stores: ShopStores) -> Shop:
    """Return a shop with a product, one with variants, and a category."""
    shop = make_shop(stores=stores)
    shop.products.create(product_values(slug="bar", name="Bar", price="9.00"))
    shop.products.create(product_values(slug="shake", name="Shake"))
    for size in "SM":
        shop.variants.create("shake", variant_values(options={"Size": size}))
    shop.categories.create({"name": "Sale"})
    return shop


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_postgres_and_memory_agree(database: Database, update: dict[str, Any]) -> None:
    results = []
    for stores in (ShopStores.in_memory(), ShopStores.in_postgres(database)):
        shop = shop_of(stores)
        report = shop.bulk_updates.run({"filter": {"all": True}, **update})
        contents = [
            (product.price, product.compare_at_price, product.tags, product.brand, product.version)
            for product in stored_products(shop.products).values()
        ]
        variants = [
            (variant.price, variant.compare_at_price, variant.stock_quantity)
            for variant in variants_of(shop, "shake")
        ]
        found = [item.slug for item in shop.products.list(ProductQuery(search="new")).items]
        assert report.batch is not None
        undo = shop.events.undo(report.batch)
        results.append((report.changes, report.changed, contents, variants, found, undo.kept))
    assert results[0] == results[1]
