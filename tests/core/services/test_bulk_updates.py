"""Bulk updates: prices, fields, stock, categories and tags of many products at once."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts.clock import NOON
from eggypro_core.domain.bulk_update import BulkReport, PriceChange
from eggypro_core.domain.event_query import EventQuery
from eggypro_core.domain.origin import Source
from eggypro_core.errors import ConflictError, NotFoundError, ValidationError
from eggypro_core.services.bulk_updates import BulkUpdateService
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import ShopStores, make_shop, product_values, variant_values
from tests.support.imports import variants_of

PRICES = st.decimals("0.01", "9999.99", places=2)


@pytest.fixture
def shop() -> Shop:
    shop = make_shop()
    for name, price in (("bar", "9.00"), ("shake", "20.00"), ("old", "5.00")):
        shop.products.create(product_values(slug=name, name=name.title(), price=price))
    shop.products.archive("old")
    return shop


def run(shop: Shop, **values: Any) -> BulkReport:
    """Run an update of all public products, unless others are selected."""
    if not {"filter", "products"} & values.keys():
        values["filter"] = {"status": "active"}
    expected = shop.bulk_updates.run({**values, "dry_run": True})
    report = shop.bulk_updates.run(values)
    assert (report.changes, report.warnings) == (expected.changes, expected.warnings)
    assert (expected.batch, expected.dry_run) == (None, True)
    return report


def errors_of(shop: Shop, **values: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as invalid:
        shop.bulk_updates.run({"filter": {"all": True}, **values})
    return {error.field: error.message for error in invalid.value.errors}


def test_prices_change_by_a_percentage(shop: Shop) -> None:
    report = run(shop, price={"percent": "-20"})
    assert (report.matched, report.changed) == (2, 2)
    assert dict(report.changes) == {
        "bar": {"price": ["9.00", "7.20"]},
        "shake": {"price": ["20.00", "16.00"]},
    }
    assert shop.products.get("bar").price == Decimal("7.20")
    assert shop.products.get("old", Status.ALL).price == Decimal("5.00")


def test_a_bulk_update_is_a_batch_that_can_be_undone(shop: Shop) -> None:
    report = run(shop, price={"percent": "-20", "keep_as_compare_at": True})
    assert report.batch is not None
    batch = shop.events.get_batch(report.batch)
    assert batch.origin.source is Source.BULK
    types = [event.type for event in shop.events.list(EventQuery(batch=report.batch)).items]
    assert types == ["product.updated", "product.updated", "bulk.completed"]
    shop.products.set_stock("bar", 7)
    assert not shop.events.undo(report.batch).kept
    product = shop.products.get("bar")
    assert (product.price, product.compare_at_price) == (Decimal("9.00"), None)
    assert product.stock_quantity == 7


@pytest.mark.parametrize(
    ("price", "change", "expected"),
    [
        ("9.99", {"percent": "10"}, "10.99"),
        ("9.95", {"percent": "10"}, "10.95"),  # 10.945 is rounded half up
        ("9.99", {"percent": "10", "round_to": "0.05"}, "11.00"),
        ("9.99", {"percent": "0", "round_to": "1.00"}, "10.00"),
        ("10.60", {"percent": "0", "ending": "0.99"}, "10.99"),
        ("10.40", {"percent": "0", "ending": "0.99"}, "9.99"),
        ("10.49", {"percent": "0", "ending": "0.99"}, "10.99"),  # between two: the higher one
        ("12.00", {"percent": "0", "ending": "0.00"}, "12.00"),
    ],
    ids=str,
)
def test_prices_are_rounded(price: str, change: dict[str, str], expected: str) -> None:
    values: dict[str, Any] = {name: Decimal(text) for name, text in change.items()}
    assert PriceChange(**values).apply_to(Decimal(price)) == Decimal(expected)


@given(PRICES, st.decimals("-99", "900", places=2), st.sampled_from(["0.05", "0.10", "1.00"]))
def test_a_rounded_price_is_the_nearest_multiple(
    price: Decimal, percent: Decimal, multiple: str
) -> None:
    rounded = PriceChange(percent=percent, round_to=Decimal(multiple)).apply_to(price)
    exact = price * (100 + percent) / 100
    assert rounded % Decimal(multiple) == 0
    assert abs(rounded - exact) * 2 <= Decimal(multiple)


@given(PRICES, st.decimals("0.00", "0.99", places=2))
def test_an_ending_is_the_nearest(price: Decimal, ending: Decimal) -> None:
    rounded = PriceChange(percent=Decimal(0), ending=ending).apply_to(price)
    assert rounded % 1 == ending % 1
    assert abs(rounded - price) * 2 <= 1


def test_compare_at_prices(shop: Shop) -> None:
    shop.products.update("bar", {"compare_at_price": "12.00"})
    shop.products.update("shake", {"compare_at_price": "21.00"})
    report = run(shop, price={"percent": "10"})
    assert dict(report.changes) == {
        "bar": {"price": ["9.00", "9.90"]},
        "shake": {"price": ["20.00", "22.00"], "compare_at_price": ["21.00", None]},
    }
    [warning] = report.warnings
    assert warning.startswith("shake: the compare-at price 21.00 is not above the new price 22.00")
    report = run(shop, price={"percent": "-50", "keep_as_compare_at": True})
    assert shop.products.get("bar").compare_at_price == Decimal("12.00")
    assert shop.products.get("shake").compare_at_price == Decimal("22.00")


def test_variants_change_with_their_product(shop: Shop) -> None:
    first = shop.variants.create("bar", variant_values(options={"Size": "S"}, stock_quantity=4))
    second = shop.variants.create("bar", variant_values(options={"Size": "M"}, stock_quantity=1))
    shop.variants.update("bar", second.id, {"is_active": False})
    report = run(shop, products=["bar"], price={"percent": "-50"}, stock={"delta": 5})
    assert dict(report.changes) == {
        "bar": {
            "variants[Size: S].price": ["24.99", "12.50"],
            "variants[Size: S].stock_quantity": [4, 9],
            "variants[Size: M].price": ["24.99", "12.50"],
        }
    }
    stock = {variant.id: variant.stock_quantity for variant in variants_of(shop, "bar")}
    assert stock == {first.id: 9, second.id: 1}
    product = shop.products.get("bar")
    assert (product.price, product.stock_quantity) == (Decimal("12.50"), 9)


def test_fields_tags_and_categories(shop: Shop) -> None:
    shop.categories.create({"name": "Sale"})
    shop.products.update("bar", {"tags": ["Vegan", "new"], "attributes": {"Diet": "none"}})
    report = run(
        shop,
        products=["bar"],
        set={"brand": "Hen", "is_listed": False, "attributes": {"Diet": None, "Origin": "DE"}},
        add_tags=["sale", "vegan"],
        remove_tags=["NEW"],
        add_categories=["sale"],
    )
    product = shop.products.get("bar")
    assert (product.brand, product.is_listed) == ("Hen", False)
    assert product.tags == ("Vegan", "sale")
    assert product.attributes == {"Origin": "DE"}
    assert [category.slug for category in product.categories] == ["sale"]
    assert dict(report.changes)["bar"]["categories"] == [[], ["sale"]]
    again = run(shop, products=["bar"], remove_categories=["sale"], set={"brand": "Hen"})
    assert dict(again.changes) == {"bar": {"categories": [["sale"], []]}}


def test_archive(shop: Shop) -> None:
    report = run(shop, archive=True)
    assert dict(report.changes)["bar"] == {"is_active": [True, False]}
    assert not shop.products.get("bar", Status.ALL).is_active


def test_products_that_do_not_change_are_not_written(shop: Shop) -> None:
    version = shop.products.get("bar").version
    report = run(shop, set={"is_active": True})
    assert (report.matched, report.changed, report.batch) == (2, 0, None)
    assert shop.products.get("bar").version == version


def test_stock_alone_creates_no_version(shop: Shop) -> None:
    version = shop.products.get("bar").version
    run(shop, products=["bar"], stock={"delta": 3})
    product = shop.products.get("bar")
    assert (product.stock_quantity, product.version) == (3, version)


def test_filters(shop: Shop) -> None:
    assert run(shop, filter={"all": True}, set={"brand": "A"}).matched == 3
    assert run(shop, filter={"min_price": "10.00"}, set={"brand": "B"}).matched == 1
    assert run(shop, filter={"status": "archived"}, set={"brand": "C"}).matched == 1
    assert run(shop, products=["bar", "bar", "shake"], set={"brand": "D"}).matched == 2


def test_former_slugs_select_their_product(shop: Shop) -> None:
    shop.products.update("bar", {"slug": "new-bar"})
    assert run(shop, products=["bar"], set={"brand": "A"}).changed == 1
    with pytest.raises(NotFoundError):
        shop.bulk_updates.run({"products": ["missing"], "set": {"brand": "A"}})


def test_nothing_is_done_if_one_is_refused(shop: Shop) -> None:
    shop.products.set_stock("bar", 3)
    errors = errors_of(shop, stock={"delta": -2}, price={"percent": "-99"}, set={"brand": "Hen"})
    assert errors == {
        "shake.stock_quantity": "Would be -2",
        "old.stock_quantity": "Would be -2",
    }
    product = shop.products.get("bar")
    assert (product.brand, product.price, product.stock_quantity) == (None, Decimal("9.00"), 3)
    shop.products.update("old", {"price": "0.01"})
    message = "Would be 0.00: must be from 0.01 to 999999.99"
    assert errors_of(shop, price={"percent": "-90"}) == {"old.price": message}


def test_an_unexpected_number_of_products(shop: Shop) -> None:
    values = {"filter": {"all": True}, "set": {"brand": "A"}, "expected": 2}
    with pytest.raises(ConflictError, match="matches 3 products, and not the expected 2"):
        shop.bulk_updates.run(values)
    assert shop.bulk_updates.run({**values, "expected": 3}).changed == 3


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"filter": {}}, "filter"),
        ({"filter": {"all": False}}, "filter"),
        ({"filter": {"all": True, "category": "bars"}}, "filter"),
        ({"filter": {"limit": 3}}, "filter"),
        ({"filter": {"in_stock": "maybe"}}, "filter"),
        ({"filter": {"all": True}, "products": ["bar"]}, "filter"),
        ({"filter": {"all": True}, "products": []}, "filter"),
        ({"set": {}}, "set"),
        ({"set": {"name": "New"}}, "set"),
        ({"price": {}}, "price"),
        ({"price": {"percent": "-99.01"}}, "price"),
        ({"price": {"percent": "1.005"}}, "price"),
        ({"price": {"percent": "1", "round_to": "0.5"}}, "price"),
        ({"price": {"percent": "1", "round_to": "0.05", "ending": "0.99"}}, "price"),
        ({"price": {"percent": "1", "ending": "1.99"}}, "price"),
        ({"stock": {"delta": 0}}, "stock"),
        ({"stock": {"set": 3}}, "stock"),
        ({"add_categories": ["missing"]}, "categories"),
        ({"expected": -1, "set": {"brand": "A"}}, "expected"),
        ({}, "set"),
    ],
    ids=str,
)
def test_invalid_updates(shop: Shop, values: dict[str, Any], field: str) -> None:
    assert field in errors_of(shop, **values)


def test_an_update_can_be_too_large() -> None:
    stores = ShopStores.in_memory()
    shop = make_shop(stores=stores)
    shop.products.create(product_values(slug="bar"))
    shop.variants.create("bar", variant_values())
    small = BulkUpdateService(stores.products, lambda: NOON, 1)
    for selection in ({"filter": {"all": True}}, {"products": ["bar"]}):
        with pytest.raises(ValidationError, match=r"More than 1 products and variants match"):
            small.run({**selection, "set": {"brand": "A"}})
