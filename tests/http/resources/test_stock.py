"""`POST /api/stock`: an order's stock in one step."""

from collections.abc import Mapping
from typing import Any

import pytest
from falcon.testing import Result, TestClient

from eggypro_core.shop import Shop
from tests.support.builders import product_values, variant_values
from tests.support.wsgi import ADMIN, PRODUCTS, error_fields

STOCK = "/api/stock"


@pytest.fixture
def variant(shop: Shop) -> int:
    """The id of a variant with stock 5, in a shop with a bar (stock 3) too."""
    products = shop.products
    products.create(product_values(slug="bar", name="Bar", sku="B-1", stock_quantity=3))
    products.create(product_values(slug="shake", name="Shake"))
    values = variant_values(options={"Size": "S"}, sku="S-1", stock_quantity=5)
    return shop.variants.create("shake", values).id


def change(client: TestClient, *items: Mapping[str, Any], **members: Any) -> Result:
    return client.simulate_post(STOCK, json={"items": list(items), **members}, headers=ADMIN)


def stock_of(client: TestClient, slug: str) -> int:
    return int(client.simulate_get(f"{PRODUCTS}/{slug}").json["stock_quantity"])


def test_an_order(client: TestClient, variant: int) -> None:
    response = change(
        client,
        {"sku": "B-1", "delta": -1},
        {"variant": variant, "delta": -2},
        {"product": "bar", "delta": -1},  # the same item again: summed
        {"sku": "S-1", "delta": -1},
        reason="sale",
        reference="order 17",
    )
    assert response.json == {
        "items": [
            {"product": "bar", "variant": None, "stock_quantity": 1},
            {"product": "shake", "variant": variant, "stock_quantity": 2},
        ]
    }
    assert [stock_of(client, slug) for slug in ("bar", "shake")] == [1, 2]
    params = {"batch": response.headers["x-batch-id"]}
    events = client.simulate_get("/api/events", params=params, headers=ADMIN).json["items"]
    assert [(event["type"], event["changes"], event["reference"]) for event in events] == [
        ("product.stock_changed", {"stock_quantity": [3, 1]}, "order 17"),
        ("variant.stock_changed", {"stock_quantity": [5, 2]}, "order 17"),
    ]


def test_all_or_nothing(client: TestClient, variant: int) -> None:
    response = change(
        client,
        {"sku": "B-1", "delta": -4},
        {"variant": variant, "delta": -6},
        {"product": "egg-white-protein", "delta": 1},
    )
    assert (response.status_code, response.json["type"]) == (409, "/problems/insufficient-stock")
    assert response.json["detail"] == (
        "Nothing was changed. Bar has 3, which cannot change by -4;"
        " Shake (Size: S) has 5, which cannot change by -6"
    )
    assert "x-batch-id" not in response.headers
    assert [stock_of(client, slug) for slug in ("bar", "shake")] == [3, 5]


def test_stock_is_set(client: TestClient, shop: Shop, variant: int) -> None:
    shop.products.update("bar", {"slug": "new-bar"})
    response = change(client, {"product": "bar", "set": 40}, {"variant": variant, "set": 5})
    assert [item["stock_quantity"] for item in response.json["items"]] == [40, 5]
    assert response.json["items"][0]["product"] == "new-bar"


def test_the_stock_of_variants_is_not_that_of_the_product(client: TestClient, variant: int) -> None:
    assert variant
    response = change(client, {"product": "shake", "delta": -1})
    assert (response.status_code, response.json["type"]) == (409, "/problems/derived-field")
    assert "that of its variants" in response.json["detail"]


@pytest.mark.parametrize(
    ("items", "field"),
    [
        ([], "items"),
        ([{"sku": "B-1"}], "items"),
        ([{"sku": "B-1", "delta": 1, "set": 1}], "items"),
        ([{"sku": "B-1", "product": "bar", "delta": 1}], "items"),
        ([{"sku": "B-1", "delta": 1}] * 101, "items"),
        ([{"sku": "B-1", "set": 1}, {"product": "bar", "delta": 1}], "items.1.set"),
        ([{"sku": "B-1", "delta": 1}, {"sku": "b-1", "delta": 1}], "items.1.sku"),
        ([{"variant": 99, "delta": 1}], "items.0.variant"),
        ([{"product": "abc", "delta": 1}], "items.0.product"),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.usefixtures("variant")
def test_invalid_items(client: TestClient, items: list[dict[str, Any]], field: str) -> None:
    assert error_fields(change(client, *items)) == [field]
    assert stock_of(client, "bar") == 3
